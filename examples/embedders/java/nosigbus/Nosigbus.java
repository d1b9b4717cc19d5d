// SPDX-License-Identifier: MIT
package nosigbus;

import java.io.IOException;
import java.nio.ByteBuffer;

/** nosigbus for Java: the handler and guarded copies. Regions: {@link Region}. */
public final class Nosigbus {
    /** Flag of {@link #install}: guarded copies also survive SIGSEGV. */
    public static final int CATCH_SEGV = 1;

    static {
        System.loadLibrary("nosigbus_java");
    }

    private Nosigbus() {}

    /**
     * Installs the handler in front of the VM's, which goes on getting what is not ours. Not with libjsig, which
     * would put it behind the VM's.
     */
    public static void install(int flags) throws IOException {
        checked("nosigbus_install", install0(flags));
    }

    /** 0, or the errno of what is wrong: EBUSY (16) where another handler is in front. */
    public static int check() {
        return -check0();
    }

    /** Puts the handler back in front of whichever displaced it. */
    public static void rearm() throws IOException {
        checked("nosigbus_rearm", rearm0());
    }

    /**
     * Copies from a direct buffer, such as a MappedByteBuffer, whose memory may be missing.
     *
     * @param destination is filled with what there is, then with zeros
     * @param source is read from its first byte on, whatever its position is
     * @return the number of bytes before the first bad one
     */
    public static int safeRead(byte[] destination, ByteBuffer source) {
        if (!source.isDirect() || source.capacity() < destination.length) {
            throw new IllegalArgumentException("no direct buffer, or a short one");
        }
        final int copied = safeRead0(destination, source);
        if (copied < 0) throw new OutOfMemoryError("a copy of " + destination.length + " bytes");
        return copied;
    }

    /** What the C side says in negative numbers. */
    static int checked(String what, int result) throws IOException {
        if (result < 0) throw new IOException(what + ": error " + -result);
        return result;
    }

    private static native int install0(int flags);

    private static native int check0();

    private static native int rearm0();

    private static native int safeRead0(byte[] destination, ByteBuffer source);
}
