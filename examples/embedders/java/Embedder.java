// SPDX-License-Identifier: MIT

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import nosigbus.Handlers;
import nosigbus.Nosigbus;
import nosigbus.Region;

/**
 * A Java program and the faults of its mappings: java Embedder MODE CASE.
 *
 * MODE says who handles SIGBUS (MODES), CASE what happens then (CASES). docs/embedding.md has the results.
 */
public final class Embedder {
    interface Work {
        void run() throws Exception;
    }

    static final int PAGE = 4096;
    static final int PAGES = 16;
    static final int SIZE = PAGE * PAGES;
    static final byte FILL = 0x5a;
    static final int SIGBUS = 7;
    static final int SIGSEGV = 11;

    static final Map<String, Work> MODES = Map.of(
        "none", () -> {},
        "installed", () -> Nosigbus.install(0),
        "segv", () -> Nosigbus.install(Nosigbus.CATCH_SEGV),
        "own", Handlers::own,
        "displaced", Embedder::displaced,
        "rearmed", () -> {
            displaced();
            Nosigbus.rearm();
        });

    static final Map<String, Work> CASES = Map.ofEntries(
        Map.entry("region", Embedder::readRegion),
        Map.entry("region-thread", () -> inThread(Embedder::readRegion)),
        Map.entry("region-native", Embedder::readRegionInC),
        Map.entry("compiled", Embedder::readCompiled),
        Map.entry("race", Embedder::race),
        Map.entry("collect", Embedder::collect),
        Map.entry("safe-read", Embedder::safeRead),
        Map.entry("guard", Embedder::guard),
        Map.entry("mapped", () -> expectError(InternalError.class, () -> sumFirst(newMapped()))),
        Map.entry("mapped-thread",
            () -> inThread(() -> expectError(InternalError.class, () -> sumFirst(newMapped())))),
        Map.entry("foreign-native", () -> System.out.println(Handlers.sumInC(newMapped()))),
        Map.entry("null", Embedder::dereferenceNull),
        Map.entry("recursion", () -> expectError(StackOverflowError.class, () -> endless(0))),
        Map.entry("recursion-thread",
            () -> inThread(() -> expectError(StackOverflowError.class, () -> endless(0)))),
        Map.entry("sent", () -> Handlers.send(SIGBUS)),
        Map.entry("check", () -> System.out.println("check: " + Nosigbus.check())),
        Map.entry("owner", () -> {
            System.out.println("SIGBUS: " + Handlers.describe(SIGBUS));
            System.out.println("SIGSEGV: " + Handlers.describe(SIGSEGV));
        }));

    static void displaced() throws IOException {
        Nosigbus.install(0);
        Handlers.reportCrashes();
    }

    /** A file, full of FILL, that goes with the process. */
    static final class Temporary implements AutoCloseable {
        final Path path = Files.createTempFile("embedder-java", null);
        final FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);

        Temporary() throws IOException {
            fill();
        }

        void fill() throws IOException {
            final byte[] bytes = new byte[SIZE];
            Arrays.fill(bytes, FILL);
            channel.write(ByteBuffer.wrap(bytes), 0);
        }

        /** A region of it, which then has no name any more. */
        Region map() throws IOException {
            final Region region = Region.map(path, SIZE);
            Files.delete(path);
            return region;
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** A mapping of Java's, of which one page is left. */
    static MappedByteBuffer newMapped() throws IOException {
        try (Temporary file = new Temporary()) {
            final MappedByteBuffer buffer = file.channel.map(FileChannel.MapMode.READ_ONLY, 0, SIZE);
            Files.delete(file.path);
            file.channel.truncate(PAGE);
            return buffer;
        }
    }

    /** Adds up the byte of each page that says whether it is the file's. */
    static int sumFirst(ByteBuffer buffer) {
        int total = 0;
        for (int at = 0; at < SIZE; at += PAGE) total += buffer.get(at);
        return total;
    }

    static void expect(boolean condition, String what) {
        if (!condition) throw new AssertionError("expected: " + what);
    }

    static void expectError(Class<? extends Throwable> kind, Callable<Integer> work) throws Exception {
        try {
            System.out.println(work.call());
        } catch (Throwable error) {
            if (!kind.isInstance(error)) throw error;
            System.out.println(kind.getSimpleName());
        }
    }

    static void readRegion() throws IOException {
        try (Temporary file = new Temporary()) {
            final Region region = file.map();
            final ByteBuffer buffer = region.buffer();
            expect(sumFirst(buffer) == PAGES * FILL && region.firstBadOffset().isEmpty(), "the file");

            file.channel.truncate(PAGE);
            expect(sumFirst(buffer) == FILL, "zeros behind the first page");
            expect(region.firstBadOffset().getAsLong() == PAGE, "where it ends");

            file.fill();
            expect(region.refresh() && sumFirst(buffer) == PAGES * FILL, "the file again");

            file.channel.truncate(PAGE);
            final byte[] bytes = new byte[SIZE];
            buffer.get(0, bytes);
            expect(bytes[PAGE - 1] == FILL && bytes[PAGE] == 0 && bytes[SIZE - 1] == 0, "zeros in a bulk read");
        }
    }

    static void readRegionInC() throws IOException {
        try (Temporary file = new Temporary()) {
            final ByteBuffer buffer = file.map().buffer();
            file.channel.truncate(PAGE);
            expect(Handlers.sumInC(buffer) == PAGE * FILL, "zeros behind the first page");
        }
    }

    /** Code that the VM has compiled, of which each round faults, and the collector at work. */
    static void readCompiled() throws IOException {
        try (Temporary file = new Temporary()) {
            final Region region = file.map();
            final ByteBuffer buffer = region.buffer();
            for (int round = 0; round < 20000; ++round) sumFirst(buffer);
            for (int round = 0; round < 2000; ++round) {
                file.channel.truncate(PAGE);
                expect(sumFirst(buffer) == FILL, "zeros behind the first page");
                file.fill();
                expect(region.refresh() && sumFirst(buffer) == PAGES * FILL, "the file again");
                if (round % 100 == 0) System.gc();
            }
        }
    }

    /** Threads that read while it happens. Each ends when it has met the missing part. */
    static void race() throws Exception {
        try (Temporary file = new Temporary()) {
            final ByteBuffer buffer = file.map().buffer();
            final List<Thread> readers = new ArrayList<>();
            for (int i = 0; i < 4; ++i) {
                readers.add(new Thread(() -> {
                    while (sumFirst(buffer) != FILL) {}
                }));
            }
            for (Thread reader : readers) reader.start();
            System.gc();
            file.channel.truncate(PAGE);
            for (Thread reader : readers) reader.join();
        }
    }

    /** The mapping lasts as long as a buffer that was made of it, and no longer. */
    static void collect() throws Exception {
        try (Temporary file = new Temporary()) {
            final String name = file.path.getFileName().toString();
            ByteBuffer slice = file.map().buffer().slice(PAGE, PAGE);
            file.channel.truncate(PAGE);
            for (int i = 0; i < 10; ++i) System.gc();
            expect(isMapped(name) && slice.get(0) == 0, "a mapping");
            slice = null;
            while (isMapped(name)) System.gc();
        }
    }

    static boolean isMapped(String name) throws IOException {
        return Files.readString(Path.of("/proc/self/maps")).contains(name);
    }

    static void safeRead() throws IOException {
        final byte[] copy = new byte[SIZE];
        Arrays.fill(copy, (byte) 1);
        expect(Nosigbus.safeRead(copy, newMapped()) == PAGE, "the first page");
        expect(copy[PAGE - 1] == FILL && copy[PAGE] == 0 && copy[SIZE - 1] == 0, "zeros behind it");
    }

    static void guard() throws IOException {
        final ByteBuffer memory = newMapped();
        expect(Handlers.guardedLength(memory) == PAGE, "the first page");
        expect(Handlers.guardedLength(memory.slice(0, PAGE)) == PAGE, "no fault within it");
    }

    static final class Box {
        int number = 1;
    }

    static int numberOf(Box box) {
        return box.number;
    }

    /** Compiled code does not ask for null: the VM has SIGSEGV for that, and makes an exception of it. */
    static void dereferenceNull() throws Exception {
        final Box box = new Box();
        long total = 0;
        for (int i = 0; i < 200000; ++i) total += numberOf(box);
        expect(total == 200000, "compiled code");
        for (int i = 0; i < 100; ++i) {
            try {
                total += numberOf(null);
                expect(false, "an exception");
            } catch (NullPointerException expected) {
                total += 1;
            }
        }
        System.out.println("NullPointerException");
    }

    static int endless(int depth) {
        return endless(depth + 1) + depth;
    }

    static void inThread(Work work) throws Exception {
        final Throwable[] thrown = new Throwable[1];
        final Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable error) {
                thrown[0] = error;
            }
        });
        thread.start();
        thread.join();
        if (thrown[0] != null) throw new Exception(thrown[0]);
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2 || !MODES.containsKey(arguments[0]) || !CASES.containsKey(arguments[1])) {
            System.err.println("usage: java Embedder MODE CASE");
            System.exit(64);
        }
        MODES.get(arguments[0]).run();
        CASES.get(arguments[1]).run();
    }
}
