# SPDX-License-Identifier: MIT
"""A file that is cut off below nosigbus.mmap: every way to read it, every way to write it, and what still kills."""

import hashlib
import itertools
import mmap
import os
import re
import signal
import struct
import unittest
import zlib

import nosigbus
from support import GOOD, PAGE, file_of, full_filesystem, in_child, killed_by, pattern

SIZE = 8 * PAGE
DATA = pattern(SIZE)
CUTS = {"to nothing": 0, "at a page": 2 * PAGE, "within a page": 2 * PAGE + 100}
ACCESSES = ("ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY", "ACCESS_DEFAULT")


def rest(mapping):
    mapping.seek(1)
    return mapping.read()


def line(mapping):
    mapping.seek(0)
    return mapping.readline()


def byte_at_end(mapping):
    mapping.seek(-1, os.SEEK_END)
    return mapping.read_byte()


def buffer(mapping):
    with memoryview(mapping) as view:
        return bytes(view)


# Each with what it gives for the bytes that are there. All of them touch the last page.
READS = {
    "index": (lambda m: m[-1], lambda b: b[-1]),
    "slice": (lambda m: m[:], lambda b: b),
    "slice with a step": (lambda m: m[::3], lambda b: b[::3]),
    "slice backwards": (lambda m: m[::-2], lambda b: b[::-2]),
    "read": (rest, lambda b: b[1:]),
    "readline": (line, lambda b: b),
    "read_byte": (byte_at_end, lambda b: b[-1]),
    "find what is nowhere": (lambda m: m.find(b"\n\n"), lambda b: -1),
    "rfind": (lambda m: m.rfind(b"\n", 0), lambda b: -1),
    "iteration": (lambda m: b"".join(m), lambda b: b),
    "in": (lambda m: b"\n" in m, lambda b: False),
    "re": (lambda m: re.search(b"\n", m), lambda b: None),
    "bytes": (bytes, lambda b: b),
    "bytearray": (bytearray, bytearray),
    "memoryview": (buffer, lambda b: b),
    "struct": (lambda m: struct.unpack_from("<q", m, SIZE - 8), lambda b: struct.unpack_from("<q", b, SIZE - 8)),
    "hashlib": (lambda m: hashlib.sha1(m).digest(), lambda b: hashlib.sha1(b).digest()),
    "zlib": (zlib.crc32, zlib.crc32),
}


def write_at_end(mapping):
    mapping.seek(-8, os.SEEK_END)
    return mapping.write(b"written!")


def write_byte_at_end(mapping):
    mapping.seek(-1, os.SEEK_END)
    mapping.write_byte(33)


def set_index(mapping):
    mapping[-1] = 33


def set_slice(mapping):
    mapping[-8:] = b"written!"


def set_slice_with_step(mapping):
    mapping[-15::2] = b"written!"


def move(mapping):
    mapping.move(SIZE - 8, 0, 8)


WRITES = (set_index, set_slice, set_slice_with_step, write_at_end, write_byte_at_end, move)


def left(cut):
    """What a mapping of the file reads as, once it was cut off."""
    return DATA[:cut] + bytes(SIZE - cut)


class Reads(unittest.TestCase):
    def test_each_way_to_read_gives_zeros(self):
        for (name, (read, expected)), access, cut in itertools.product(READS.items(), ACCESSES, CUTS.values()):

            def scenario(read=read, expected=expected, access=access, cut=cut):
                with file_of(DATA) as file:
                    mapping = nosigbus.mmap(file.fileno(), 0, access=getattr(nosigbus, access))
                    assert read(mapping) == expected(DATA)
                    assert not mapping.faulted and mapping.status().faults == 0
                    file.truncate(cut)
                    assert read(mapping) == expected(left(cut)), read(mapping)
                    assert mapping.faulted and mapping.status().overlaid and mapping.status().cause is nosigbus.Cause.EOF
                    assert mapping.status().first_bad_offset == cut and mapping.status().file_size == cut

            with self.subTest(read=name, access=access, cut=cut):
                self.assertEqual(in_child(scenario), GOOD)

    def test_each_way_to_read_kills_with_mmap_mmap(self):
        for name, (read, _) in READS.items():

            def scenario(read=read):
                with file_of(DATA) as file:
                    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                    file.truncate(2 * PAGE)
                    read(mapping)

            with self.subTest(read=name):
                self.assertEqual(in_child(scenario), killed_by(signal.SIGBUS))

    def test_what_has_come_back_is_refreshed(self):
        for access, cut in itertools.product(ACCESSES, CUTS.values()):

            def scenario(access=access, cut=cut):
                with file_of(DATA) as file:
                    mapping = nosigbus.mmap(file.fileno(), 0, access=getattr(nosigbus, access))
                    with memoryview(mapping) as view:
                        file.truncate(cut)
                        assert view[-1] == 0 and mapping.faulted
                        assert mapping.refresh() is False and mapping.faulted
                        generation = mapping.generation
                        os.pwrite(file.fileno(), DATA[cut:], cut)
                        assert mapping.refresh() is True and not mapping.faulted
                        assert bytes(view) == DATA and mapping.generation % 2 == 0 and mapping.generation != generation
                        assert mapping.status().first_bad_offset is None
                        file.truncate(cut)
                        assert bytes(view) == left(cut) and mapping.status().faults >= 2

            with self.subTest(access=access, cut=cut):
                self.assertEqual(in_child(scenario), GOOD)

    def test_a_bracket_tells_what_was_the_files(self):
        def scenario():
            with file_of(DATA) as file:
                mapping = nosigbus.mmap(file.fileno(), 0, access=nosigbus.ACCESS_READ)
                with mapping.whole() as bracket:
                    assert bracket.ok is None
                    mapping[:]
                assert bracket.ok is True
                with mapping.whole() as bracket:
                    file.truncate(PAGE)
                    mapping[-1]
                    os.pwrite(file.fileno(), DATA[PAGE:], PAGE)
                    assert mapping.refresh()
                assert bracket.ok is False
                with mapping.whole() as bracket:
                    mapping[:]
                assert bracket.ok is True
                with mapping.whole() as bracket:
                    file.truncate(SIZE - 1)  # in the last page, where nothing faults
                    mapping[-1]
                assert bracket.ok is False and mapping.faulted and not mapping.status().overlaid

        self.assertEqual(in_child(scenario), GOOD)

    def test_an_offset_in_the_file_is_counted_from(self):
        def scenario():
            with file_of(DATA) as file:
                mapping = nosigbus.mmap(file.fileno(), 0, access=nosigbus.ACCESS_READ, offset=PAGE)
                file.truncate(2 * PAGE + 5)
                assert mapping[:] == left(2 * PAGE + 5)[PAGE:]
                assert mapping.status().first_bad_offset == PAGE + 5

        self.assertEqual(in_child(scenario), GOOD)


class Writes(unittest.TestCase):
    def check(self, function, scenario, expected=GOOD, **labels):
        with self.subTest(write=function.__name__, **labels):
            self.assertEqual(in_child(scenario), expected)

    def test_a_write_to_a_missing_page_is_an_error(self):
        for write, cut in itertools.product(WRITES, CUTS.values()):

            def scenario(write=write, cut=cut):
                with file_of(DATA) as file:
                    mapping = nosigbus.mmap(file.fileno(), 0)
                    write(mapping)
                    os.pwrite(file.fileno(), DATA, 0)
                    for already_overlaid in (False, True):
                        file.truncate(cut)
                        if already_overlaid:
                            mapping[-1]
                        try:
                            write(mapping)
                        except nosigbus.FaultError as error:
                            assert error.errno == 14 and SIZE - 16 <= error.offset < SIZE and error.done == 0, vars(error)
                            assert error.fault.cause in (nosigbus.Cause.EOF, nosigbus.Cause.MISSING), error.fault
                        else:
                            raise AssertionError("no error")
                        assert os.fstat(file.fileno()).st_size == cut and os.pread(file.fileno(), SIZE, 0) == DATA[:cut]

            self.check(write, scenario, cut=cut)

    def test_how_much_was_written_is_told(self):
        def scenario():
            with file_of(DATA) as file:
                mapping = nosigbus.mmap(file.fileno(), 0)
                file.truncate(2 * PAGE)
                mapping.seek(2 * PAGE - 10)
                try:
                    mapping.write(b"x" * 30)
                except nosigbus.FaultError as error:
                    assert error.done == 10 and error.offset == 2 * PAGE and mapping.tell() == 2 * PAGE - 10
                    assert str(2 * PAGE) in str(error), str(error)
                else:
                    raise AssertionError("no error")
                assert os.pread(file.fileno(), 10, 2 * PAGE - 10) == b"x" * 10

        self.assertEqual(in_child(scenario), GOOD)

    def test_discarded_writes_stay_in_the_process(self):
        for write, cut in itertools.product(WRITES, CUTS.values()):

            def scenario(write=write, cut=cut):
                with file_of(DATA) as file:
                    mapping = nosigbus.mmap(file.fileno(), 0, guard=nosigbus.DISCARD_WRITES)
                    mapping.flush()
                    file.truncate(cut)
                    write(mapping)
                    assert mapping[-1] != 0 or write is move and cut == 0
                    assert mapping.faulted and os.pread(file.fileno(), SIZE, 0) == DATA[:cut]
                    try:
                        mapping.flush()
                    except nosigbus.FaultError as error:
                        assert error.offset == cut
                    else:
                        raise AssertionError("flush says that all is written")
                    file.truncate(SIZE)
                    assert mapping.refresh() and mapping[-1] == 0
                    mapping.flush()

            self.check(write, scenario, cut=cut)

    def test_private_mappings_discard_by_themselves(self):
        for write, how in itertools.product(WRITES, ({"access": nosigbus.ACCESS_COPY}, {"flags": nosigbus.MAP_PRIVATE})):

            def scenario(write=write, how=how):
                with file_of(DATA) as file:
                    mapping = nosigbus.mmap(file.fileno(), 0, **how)
                    file.truncate(PAGE)
                    write(mapping)
                    with memoryview(mapping) as view:
                        view[-4:] = b"more"
                    assert mapping[-4:] == b"more" and mapping.faulted
                    mapping.flush()

            self.check(write, scenario, how=how)

    def test_an_argument_that_is_missing_is_an_error(self):
        """mmap.mmap's memory, of which nosigbus knows nothing: what is written, or looked for."""
        uses = {
            "write": lambda m, argument: m.write(argument),
            "slice": lambda m, argument: m.__setitem__(slice(len(argument)), argument),
            "slice with a step": lambda m, argument: m.__setitem__(slice(None, None, SIZE // len(argument)), argument),
            "find": lambda m, argument: m.find(argument),
            "rfind": lambda m, argument: m.rfind(argument, 0),
        }
        for name, use in uses.items():

            def scenario(name=name, use=use):
                with file_of(DATA) as file, file_of(DATA) as other:
                    mapping = nosigbus.mmap(file.fileno(), 0)
                    argument = mmap.mmap(other.fileno(), 2 * PAGE)
                    other.truncate(PAGE)
                    try:
                        use(mapping, argument)
                    except nosigbus.FaultError as error:
                        assert error.offset is None and "source" in str(error), error
                        assert error.fault.cause is nosigbus.Cause.MISSING, error.fault
                        if "find" not in name:
                            assert error.done == PAGE and error.fault == nosigbus.last_fault(), vars(error)
                        assert b"\0" not in mapping[:]
                    else:
                        raise AssertionError("no error")

            with self.subTest(use=name):
                self.assertEqual(in_child(scenario), GOOD)

    def test_each_way_to_write_kills_with_mmap_mmap(self):
        for write in WRITES:

            def scenario(write=write):
                with file_of(DATA) as file:
                    mapping = mmap.mmap(file.fileno(), 0)
                    file.truncate(0)
                    write(mapping)

            self.check(write, scenario, killed_by(signal.SIGBUS))


class Buffers(unittest.TestCase):
    """Those who have one write to the memory themselves."""

    def scenario(self, guard, overlaid):
        with file_of(DATA) as file:
            mapping = nosigbus.mmap(file.fileno(), 0, guard=guard)
            with memoryview(mapping) as view:
                file.truncate(PAGE)
                if overlaid:
                    mapping[-1]
                view[-1] = 7
                assert mapping[-1] == 7

    def test_a_write_is_discarded_on_request(self):
        for overlaid in (False, True):
            with self.subTest(overlaid=overlaid):
                self.assertEqual(in_child(self.scenario, nosigbus.DISCARD_WRITES, overlaid), GOOD)

    def test_a_write_kills_without_it(self):
        # Where the processor does not tell a write from a read, it meets an overlay as well.
        by_port = (killed_by(signal.SIGBUS), killed_by(signal.SIGSEGV))
        self.assertIn(in_child(self.scenario, 0, False), by_port)
        self.assertEqual(in_child(self.scenario, 0, True), killed_by(signal.SIGSEGV))


class Holes(unittest.TestCase):
    """A hole in a file on a full file system: an I/O error, and no end of file."""

    def scenario(self, guard, read):
        folder = full_filesystem()
        if folder is None:
            raise SystemExit("no mount namespaces here")
        file = open(folder + "/sparse", "w+b", buffering=0)
        file.truncate(4 * PAGE)
        with open(folder + "/rest", "wb", buffering=0) as rest:
            try:
                while rest.write(b"x" * PAGE):
                    pass
            except OSError:
                pass
        read(nosigbus.mmap(file.fileno(), 0, guard=guard, access=nosigbus.ACCESS_READ))

    def expect_error(self, mapping):
        for name in ("slice", "slice with a step", "find what is nowhere", "rfind", "readline", "read_byte"):
            try:
                READS[name][0](mapping)
            except nosigbus.FaultError as error:
                assert error.fault.cause is nosigbus.Cause.IO and 0 <= error.offset < 4 * PAGE, (name, error.fault)
            except struct.error:
                pass
            else:
                raise AssertionError(name)

    def expect_zeros(self, mapping):
        assert bytes(memoryview(mapping)) == bytes(4 * PAGE) == mapping[:]
        assert mapping.status().cause is nosigbus.Cause.IO

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("mounting takes root")

    def test_methods_raise(self):
        self.assertEqual(in_child(self.scenario, 0, self.expect_error), GOOD)

    def test_it_is_absorbed_on_request(self):
        self.assertEqual(in_child(self.scenario, nosigbus.ABSORB_IO, self.expect_zeros), GOOD)

    def test_it_kills_who_reads_the_buffer(self):
        self.assertEqual(in_child(self.scenario, 0, self.expect_zeros), killed_by(signal.SIGBUS))


if __name__ == "__main__":
    unittest.main()
