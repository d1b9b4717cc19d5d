# SPDX-License-Identifier: MIT
"""What is taken is given back; other threads run while one waits, and cannot take the memory away from it."""

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
import tracemalloc
import unittest
import weakref

import nosigbus
from support import GOOD, PAGE, descriptors, file_of, in_child, killed_by, pattern, vmas

DATA = pattern(4 * PAGE)


def use_once(file):
    mapping = nosigbus.mmap(file.fileno(), 0)
    with memoryview(mapping) as view:
        bytes(view)
    mapping[3:900:5], mapping[7], mapping.find(b"x"), mapping.rfind(b"y"), mapping.readline(), list(mapping[:9])
    mapping[3:10] = b"1234567"
    mapping.seek(0)
    mapping.write(b"abc")
    mapping.move(0, 5, 5)
    repr(mapping), mapping.status(), mapping.faulted, mapping.flush(), mapping.size()
    file.truncate(PAGE)
    assert mapping[-1] == 0
    for call in (mapping.write_byte, mapping.seek, mapping.resize):
        try:
            call(-7)
        except (ValueError, OverflowError):
            pass
    try:
        mapping[-5:] = b"12345"
    except nosigbus.FaultError as error:
        assert error.fault.cause is not None
    nosigbus.safe_read(mapping), nosigbus.last_fault(), nosigbus.stats()
    os.pwrite(file.fileno(), DATA, 0)
    assert mapping.refresh()
    mapping.resize(6 * PAGE)
    mapping.resize(4 * PAGE)
    reference = weakref.ref(mapping)
    try:
        nosigbus.mmap(file.fileno(), 5 * PAGE)
    except ValueError:
        pass
    try:
        nosigbus.mmap(file.fileno(), 0, offset=1)
    except OSError:
        pass
    del mapping, call
    assert reference() is None


class Resources(unittest.TestCase):
    def test_nothing_is_left_behind(self):
        def scenario():
            with file_of(DATA) as file:
                for _ in range(50):
                    use_once(file)
                gc.collect()
                before = vmas(), descriptors()
                tracemalloc.start()
                use_once(file)
                # Memory from before tracemalloc is replaced by memory that it counts, less and less each time; what is left
                # behind is left each time.
                grown = []
                for _ in range(6):
                    gc.collect()
                    small = tracemalloc.get_traced_memory()[0]
                    for _ in range(300):
                        use_once(file)
                    gc.collect()
                    grown.append(tracemalloc.get_traced_memory()[0] - small)
                tracemalloc.stop()
                assert min(grown) < 300 * 16, grown
                assert descriptors() == before[1] and vmas() <= before[0] + 3, (before, vmas(), descriptors())
                assert nosigbus.stats().regions == 0

        self.assertEqual(in_child(scenario, seconds=60), GOOD)

    def test_resident_memory_stays(self):
        def resident():
            with open("/proc/self/statm") as statm:
                return int(statm.read().split()[1])

        def scenario():
            with file_of(DATA) as file:
                for _ in range(200):
                    use_once(file)
                before = resident()
                for _ in range(2000):
                    use_once(file)
                assert resident() - before < 100, resident() - before

        self.assertEqual(in_child(scenario, seconds=60), GOOD)

    def test_a_type_that_refers_to_itself_is_collected(self):
        def scenario():
            class Mapping(nosigbus.mmap):
                pass

            mapping = Mapping(-1, 5)
            mapping.itself = mapping
            reference = weakref.ref(mapping)
            del mapping, Mapping
            gc.collect()
            assert reference() is None

        self.assertEqual(in_child(scenario), GOOD)


class Threads(unittest.TestCase):
    def test_close_and_resize_wait_for_nobody(self):
        """They refuse, or are done, while another thread searches; nobody dies."""

        def scenario():
            with file_of(bytes(64 << 20)) as file:
                refused = done = 0
                for _ in range(20):
                    mapping = nosigbus.mmap(file.fileno(), 0)
                    begun = threading.Event()

                    def search(mapping=mapping, begun=begun):
                        begun.set()
                        try:
                            assert mapping.find(b"\1", 0) == -1
                        except ValueError as error:
                            assert "closed" in str(error)

                    thread = threading.Thread(target=search)
                    thread.start()
                    begun.wait()
                    time.sleep(0.001)
                    for act in (lambda: mapping.resize(32 << 20), mapping.close):
                        try:
                            act()
                            done += 1
                        except BufferError as error:
                            assert "another thread" in str(error)
                            refused += 1
                    thread.join()
                    if not mapping.closed:
                        mapping.close()
                    file.truncate(64 << 20)
                assert refused > 0, (refused, done)

        self.assertEqual(in_child(scenario, seconds=60), GOOD)

    def test_zeros_go_while_they_are_written_to(self):
        """A write meets read-only zeros, of which the handler finds nothing any more."""

        def scenario():
            size = 1 << 20
            with file_of(bytes(size)) as file:
                mapping = nosigbus.mmap(file.fileno(), 0)
                done = threading.Event()

                def write():
                    while not done.is_set():
                        with contextlib.suppress(nosigbus.FaultError):
                            mapping[:] = bytes(size)
                        mapping[-1]

                sys.setswitchinterval(1e-6)
                threads = [threading.Thread(target=write) for _ in range(2)]
                for thread in threads:
                    thread.start()
                for _ in range(10000):
                    file.truncate(0)
                    file.truncate(size)
                    mapping.refresh()
                done.set()
                for thread in threads:
                    thread.join()

        self.assertEqual(in_child(scenario, seconds=60), GOOD)

    def test_a_write_that_is_not_permitted_kills_after_a_refresh(self):
        def scenario():
            with file_of(DATA) as file:
                mapping = nosigbus.mmap(file.fileno(), 0)
                file.truncate(0)
                assert mapping[-1] == 0
                file.truncate(len(DATA))
                assert mapping.refresh()
                address = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
                assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(address), len(DATA), nosigbus.PROT_READ) == 0
                mapping[0] = 1

        self.assertEqual(in_child(scenario), killed_by(signal.SIGSEGV))

    def test_a_child_of_fork_has_no_such_thread(self):
        def scenario():
            with file_of(bytes(64 << 20)) as file:
                for _ in range(20):
                    mapping = nosigbus.mmap(file.fileno(), 0)
                    begun = threading.Event()

                    def search(mapping=mapping, begun=begun):
                        begun.set()
                        mapping.find(b"\1", 0)

                    thread = threading.Thread(target=search)
                    thread.start()
                    begun.wait()
                    child = os.fork()
                    if child == 0:
                        mapping.find(b"\1", 0)
                        mapping.resize(len(mapping))
                        mapping.close()
                        os._exit(0)
                    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                    thread.join()
                    mapping.close()

        self.assertEqual(in_child(scenario, seconds=60), GOOD)

    def test_others_run_while_one_copies(self):
        """However the bytes are copied: another thread comes in meanwhile, and cannot close it."""
        works = {
            "slice": lambda m: m[:],
            "slice with a step": lambda m: m[::2],
            "slice with a long step": lambda m: m[::128],
            "assignment": lambda m: m.__setitem__(slice(None, None, 4), bytes(len(m) // 4)),
            "move": lambda m: m.move(0, 1, len(m) - 1),
        }
        for name, work in works.items():

            def scenario(work=work):
                with file_of(bytes(64 << 20)) as file:
                    sys.setswitchinterval(1000)  # only who leaves the interpreter lets others in
                    for _ in range(20):
                        mapping = nosigbus.mmap(file.fileno(), 0)
                        begun = threading.Event()

                        def copy(mapping=mapping, begun=begun):
                            begun.set()
                            with contextlib.suppress(ValueError):
                                work(mapping)

                        thread = threading.Thread(target=copy)
                        thread.start()
                        begun.wait()
                        try:
                            mapping.close()
                        except BufferError:
                            return
                        finally:
                            thread.join()
                    raise AssertionError("nobody came in")

            with self.subTest(work=name):
                self.assertEqual(in_child(scenario, seconds=60), GOOD)

    def test_readers_share_a_position(self):
        """No byte is read twice, as with mmap.mmap."""

        def scenario():
            size = 32 << 20
            with file_of(bytes(size)) as file:
                mapping = nosigbus.mmap(file.fileno(), 0, access=nosigbus.ACCESS_READ)
                read = []

                def work():
                    while data := mapping.read(1 << 20):
                        read.append(len(data))

                threads = [threading.Thread(target=work) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                assert sum(read) == size, sum(read)

        self.assertEqual(in_child(scenario, seconds=60), GOOD)

    def test_a_line_begins_where_it_was_searched(self):
        """Another thread moves the position meanwhile: never is anything read from behind the end."""

        def scenario():
            size = 16 << 20
            with file_of(bytes(size)) as file:
                mapping = nosigbus.mmap(file.fileno(), 0, access=nosigbus.ACCESS_READ)
                done = threading.Event()

                def move():
                    while not done.is_set():
                        mapping.seek(-10, os.SEEK_END)

                sys.setswitchinterval(1e-6)
                thread = threading.Thread(target=move)
                thread.start()
                for _ in range(100):
                    mapping.seek(0)
                    assert len(mapping.readline()) in (0, 10, size) and mapping.tell() <= size
                done.set()
                thread.join()

        self.assertEqual(in_child(scenario, seconds=60), GOOD)


if __name__ == "__main__":
    unittest.main()
