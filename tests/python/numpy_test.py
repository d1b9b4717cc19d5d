# SPDX-License-Identifier: MIT
"""Arrays in files that another process cuts off, also in the middle of an operation."""

import mmap
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
import unittest

try:
    import numpy
except ImportError:
    print("skipped: no numpy (python3-numpy)")
    sys.exit(77)

import nosigbus
from support import GOOD, PAGE, file_of, in_child, killed_by, other_process

COUNT = 8 << 20  # numbers of 8 bytes: 64 MiB


def cut_and_grow(descriptor, size):
    """Another process, which does nothing else."""
    while True:
        os.ftruncate(descriptor, size // 3 + 100)
        time.sleep(0.001)
        os.ftruncate(descriptor, size)
        time.sleep(0.001)


def big_file():
    """64 MiB of ones, in memory."""
    descriptor = os.memfd_create("array")
    file = os.fdopen(descriptor, "r+b", buffering=0)
    numpy.ones(COUNT).tofile(file)
    return file


def sum_while_it_is_cut(kind, threads=1):
    with big_file() as file:
        return sum_while_cut(file, kind, threads)


def sum_while_cut(file, kind, threads):
    mapping = kind(file.fileno(), 0, access=mmap.ACCESS_READ)
    array = numpy.frombuffer(mapping)
    assert array.sum() == COUNT
    sums = []

    def work():
        end = time.monotonic() + 1
        while time.monotonic() < end:
            sums.append(float(array.sum()))

    with other_process(cut_and_grow, file.fileno(), COUNT * 8):
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert len(sums) >= threads and all(0 <= value <= COUNT for value in sums), sums
    assert min(sums) < COUNT
    return mapping, array


def by_file(kind, path):
    with open(path, "rb") as file:
        return kind(file, mode="r")


class Frombuffer(unittest.TestCase):
    def test_truncation_gives_zeros(self):
        for cut in (0, 2 * PAGE, 2 * PAGE + 104):

            def scenario(cut=cut):
                data = numpy.arange(1, 4097, dtype="f8")
                with file_of(data.tobytes()) as file:
                    mapping = nosigbus.mmap(file.fileno(), 0, access=nosigbus.ACCESS_READ)
                    array = numpy.frombuffer(mapping).reshape(64, 64)
                    assert array.sum() == data.sum() and not mapping.faulted
                    file.truncate(cut)
                    left = data.copy()
                    left[cut // 8 :] = 0
                    assert (array.ravel() == left).all() and mapping.faulted
                    assert numpy.array_equal(array.T @ array, left.reshape(64, 64).T @ left.reshape(64, 64))
                    assert (numpy.sort(array, axis=None)[-3:] == numpy.sort(left)[-3:]).all()
                    assert mapping.status().first_bad_offset == cut
                    os.pwrite(file.fileno(), data.tobytes(), 0)
                    assert mapping.refresh() and (array.ravel() == data).all() and not mapping.faulted

            with self.subTest(cut=cut):
                self.assertEqual(in_child(scenario), GOOD)

    def test_truncation_in_the_middle_of_a_sum(self):
        def scenario():
            mapping, array = sum_while_it_is_cut(nosigbus.mmap)
            assert mapping.status().faults > 0
            del array

        self.assertEqual(in_child(scenario, seconds=60), GOOD)

    def test_threads(self):
        self.assertEqual(in_child(sum_while_it_is_cut, nosigbus.mmap, 4, seconds=60), GOOD)

    def test_the_same_with_mmap_mmap_dies(self):
        self.assertEqual(in_child(sum_while_it_is_cut, mmap.mmap, seconds=60), killed_by(signal.SIGBUS))

    def test_an_array_keeps_the_mapping(self):
        with file_of(bytes(PAGE)) as file:
            mapping = nosigbus.mmap(file.fileno(), 0)
            array = numpy.frombuffer(mapping)
            self.assertRaises(BufferError, mapping.close)
            self.assertRaises(BufferError, mapping.resize, 2 * PAGE)
            del array
            mapping.close()

    def test_writing(self):
        def scenario(guard):
            with file_of(bytes(4 * PAGE)) as file:
                array = numpy.frombuffer(nosigbus.mmap(file.fileno(), 0, guard=guard), "u1")
                file.truncate(PAGE)
                array += 3
                assert (array[PAGE:] == 3).all()
                assert os.pread(file.fileno(), 4 * PAGE, 0) == b"\3" * PAGE

        self.assertEqual(in_child(scenario, nosigbus.DISCARD_WRITES), GOOD)
        # An overlay is there already: numpy reads before it writes.
        self.assertEqual(in_child(scenario, 0), killed_by(signal.SIGSEGV))


def entry_of(path):
    """A path that is neither a string nor of pathlib."""
    with os.scandir(os.path.dirname(path)) as entries:
        return next(entry for entry in entries if entry.path == path)


class Memmap(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "array")

    def test_without_numpy_until_it_is_used(self):
        def scenario():
            program = (
                "import sys, nosigbus; assert 'numpy' not in sys.modules and 'memmap' in dir(nosigbus);"
                "nosigbus.memmap; assert 'numpy' in sys.modules"
            )
            os.execv(sys.executable, [sys.executable, "-c", program])

        self.assertEqual(in_child(scenario), GOOD)

    def test_as_numpy_memmap(self):
        # Each with what both give; errors by type and text.
        calls = (
            lambda m, p: m(p, mode="w+", shape=(3, 4), dtype="f4").tolist(),
            lambda m, p: m(p, mode="w+"),
            lambda m, p: m(p, mode="q"),
            lambda m, p: m(p, dtype="i2").shape,
            lambda m, p: m(p, "i2", "readonly", 3, None).tolist(),
            lambda m, p: m(p, "i8", "r", 0, None, "F").tolist(),
            lambda m, p: m(p, dtype="i8", mode="r", offset=3),
            lambda m, p: m(p, dtype="i8", mode="r", shape=(100,)),
            lambda m, p: (m(p, dtype="i8", mode="r+", shape=100).shape, os.path.getsize(p)),
            lambda m, p: m(p, dtype="i8", mode="r+", offset=PAGE + 16, shape=2).offset,
            lambda m, p: [m(p, mode="c", shape=5).mode, m(p).flags.writeable, m(p, mode="r").flags.writeable],
            lambda m, p: m(p, mode="c", shape=(2, 3), order="F").strides,
            lambda m, p: type(m(p).sum()),
            lambda m, p: type(m(p) + 1),
            lambda m, p: [type(m(p)[0]), type(m(p)[[1, 2]]), isinstance(m(p)[1:], m)],
            lambda m, p: [m(p)[1:].filename == os.path.abspath(p), m(p)[1:].offset, m(p)[1:].mode],
            lambda m, p: by_file(m, p).filename == os.path.abspath(p),
            lambda m, p: m(__import__("pathlib").Path(p)).filename == __import__("pathlib").Path(p).resolve(),
            lambda m, p: m(entry_of(p)).filename == p,
            lambda m, p: [(c := m(p).copy()).filename, c._mmap, isinstance(c, m)],
            lambda m, p: isinstance(m(p), numpy.memmap),
            lambda m, p: m(p + ".none", mode="r"),
            lambda m, p: m(p).flush(),
        )
        for number, call in enumerate(calls):
            answers = []
            for kind in (numpy.memmap, nosigbus.memmap):
                path = f"{self.path}-{number}"
                with open(path, "wb") as file:
                    file.write(bytes(range(64)))
                try:
                    answers.append(call(kind, path))
                except Exception as error:
                    answers.append((type(error), str(error)))
            with self.subTest(call=number):
                self.assertEqual(*answers)

    def test_it_is_what_the_file_is(self):
        written = nosigbus.memmap(self.path, "f4", "w+", shape=(3, 4))
        written[:] = numpy.arange(12).reshape(3, 4)
        written.flush()
        self.assertEqual(numpy.fromfile(self.path, "f4").tolist(), list(range(12)))
        copied = nosigbus.memmap(self.path, "f4", "c", offset=16)
        copied[:] = 0
        self.assertEqual(nosigbus.memmap(self.path, "f4", "r")[4:].sum(), sum(range(4, 12)))

    def test_pickle_takes_a_copy(self):
        array = nosigbus.memmap(self.path, "i4", "w+", shape=10)
        array[:] = range(10)
        loaded = pickle.loads(pickle.dumps(array))
        self.assertEqual((loaded.tolist(), type(loaded), loaded.faulted), (list(range(10)), nosigbus.memmap, False))
        self.assertRaises(ValueError, loaded.refresh)

    def test_truncation(self):
        def scenario(mode, guard):
            numpy.ones(4096).tofile(self.path)
            array = nosigbus.memmap(self.path, "f8", mode, guard=guard)
            view = array[1000:].reshape(2, -1)
            with array.whole() as bracket:
                assert array.sum() == 4096
            assert bracket.ok
            os.truncate(self.path, 8000)
            assert array.sum() == 1000 and view.sum() == 0 and array.faulted and view.faulted
            assert array.status().first_bad_offset == 8000
            assert pickle.loads(pickle.dumps(array)).sum() == 1000
            if mode == "c" or guard:
                array[:] = 2
                assert view.sum() == 2 * 3096
            if guard:
                try:
                    array.flush()
                except nosigbus.FaultError:
                    pass
                else:
                    raise AssertionError("flushed")
            os.truncate(self.path, 8 * 4096)
            assert array.refresh() and not view.faulted
            # Private pages in front of the cut stay what they were made.
            assert view.sum() == (2 * (2 * PAGE // 8 - 1000) if mode == "c" else 0)

        for mode, guard in (("r", 0), ("r+", 0), ("c", 0), ("r+", nosigbus.DISCARD_WRITES)):
            with self.subTest(mode=mode, guard=guard):
                self.assertEqual(in_child(scenario, mode, guard), GOOD)

    def test_numpy_memmap_dies(self):
        def scenario():
            numpy.ones(4096).tofile(self.path)
            array = numpy.memmap(self.path, "f8", "r")
            os.truncate(self.path, 8000)
            array.sum()

        self.assertEqual(in_child(scenario), killed_by(signal.SIGBUS))


if __name__ == "__main__":
    unittest.main()
