// SPDX-License-Identifier: MIT
package nosigbus;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * A mapping of a file whose missing pages read as zeros. As with a MappedByteBuffer, nobody unmaps it: it lasts as
 * long as a buffer that was made of it.
 */
public final class Region {
    private static final Cleaner CLEANER = Cleaner.create();

    private final long handle;
    private final ByteBuffer buffer;

    private Region(long handle) {
        this.handle = handle;
        // Slices, duplicates and views refer to the buffer that they were made of.
        this.buffer = buffer0(handle);
        CLEANER.register(buffer, () -> release0(handle));
    }

    /**
     * Maps a file for reading.
     *
     * @param length in bytes; may be more than the file has
     */
    public static Region map(Path file, int length) throws IOException {
        final long[] handle = new long[1];
        final byte[] path = (file + "\0").getBytes(System.getProperty("sun.jnu.encoding"));
        Nosigbus.checked("nosigbus_map", map0(handle, path, length));
        try {
            return new Region(handle[0]);
        } catch (OutOfMemoryError error) {
            release0(handle[0]);
            throw error;
        }
    }

    /** The region's memory. Others may write to it at any time. */
    public ByteBuffer buffer() {
        return buffer.asReadOnlyBuffer();
    }

    /** Offset of the first byte that is zero because the file lacks it; empty while the region is whole. */
    public OptionalLong firstBadOffset() {
        try {
            final long offset = firstBadOffset0(handle);
            return offset < 0 ? OptionalLong.empty() : OptionalLong.of(offset);
        } finally {
            Reference.reachabilityFence(buffer);
        }
    }

    /** Puts the file's pages back where it has grown again. Whether the region is whole now. */
    public boolean refresh() throws IOException {
        try {
            return Nosigbus.checked("nosigbus_region_refresh", refresh0(handle)) == 1;
        } finally {
            Reference.reachabilityFence(buffer);
        }
    }

    private static native int map0(long[] handle, byte[] path, long length);

    private static native ByteBuffer buffer0(long handle);

    private static native long firstBadOffset0(long handle);

    private static native int refresh0(long handle);

    private static native void release0(long handle);

    static {
        // Its static initializer loads the native code of both.
        Nosigbus.check();
    }
}
