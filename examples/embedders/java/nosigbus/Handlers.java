// SPDX-License-Identifier: MIT
package nosigbus;

import java.io.IOException;
import java.nio.ByteBuffer;

/** What is in common for Java, and native code that reads memory. */
public final class Handlers {
    static {
        Nosigbus.check();
    }

    private Handlers() {}

    public static void own() throws IOException {
        Nosigbus.checked("own", own0());
    }

    public static void reportCrashes() throws IOException {
        Nosigbus.checked("reportCrashes", reportCrashes0());
    }

    /** What the action of a signal is. */
    public static native String describe(int signo);

    /** Adds up the bytes of a direct buffer, in C. */
    public static native int sumInC(ByteBuffer buffer);

    /** How many of the bytes of a direct buffer C code has read below a guard, before the first that is missing. */
    public static native long guardedLength(ByteBuffer buffer);

    /** Sends a signal to this thread. */
    public static native void send(int signo);

    private static native int own0();

    private static native int reportCrashes0();
}
