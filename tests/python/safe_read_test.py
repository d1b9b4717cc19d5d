# SPDX-License-Identifier: MIT
"""nosigbus.safe_read returns what is in front of the first bad byte, of anything that can be read."""

import array
import ctypes
import mmap
import signal
import unittest

import nosigbus
from support import GOOD, PAGE, file_of, in_child, killed_by, pattern

SIZE = 4 * PAGE
DATA = pattern(SIZE)


class SafeRead(unittest.TestCase):
    def test_good_memory(self):
        numbers = array.array("i", range(100))
        for source in (DATA, bytearray(DATA), memoryview(DATA)[5:], numbers, b""):
            with self.subTest(source=type(source)):
                self.assertEqual(nosigbus.safe_read(source), bytes(memoryview(source)))
                self.assertIs(nosigbus.last_fault().cause, nosigbus.Cause.NONE)
        self.assertEqual(nosigbus.safe_read(DATA, 7, 3), DATA[3:10])
        self.assertEqual(nosigbus.safe_read(DATA, offset=SIZE - 2), DATA[-2:])
        self.assertEqual(nosigbus.safe_read(DATA, length=0, offset=SIZE), b"")
        text = ctypes.create_string_buffer(b"text")
        self.assertEqual(nosigbus.safe_read(ctypes.addressof(text), 4), b"text")

    def test_bad_arguments(self):
        for arguments, error in (
            ((DATA, SIZE + 1), ValueError),
            ((DATA, -1), ValueError),
            ((DATA, None, SIZE + 1), ValueError),
            ((DATA, 2, -1), ValueError),
            ((DATA, 2**70), OverflowError),
            (("text",), TypeError),
            ((memoryview(DATA)[::2],), BufferError),
            ((0x1000,), TypeError),
            ((-1, 5), OverflowError),
            ((2**64 - 5, 10), ValueError),
            ((2**64 - 5, 1, 100), ValueError),
            ((None,), TypeError),
        ):
            with self.subTest(arguments=arguments[1:]):
                self.assertRaises(error, nosigbus.safe_read, *arguments)

    def test_it_ends_at_the_first_missing_byte(self):
        # Short, and so long that other threads run meanwhile; of mmap.mmap and of a region.
        for kind in (mmap.mmap, nosigbus.mmap):
            for pages, cut in ((4, 0), (4, 2), (200, 0), (200, 2), (200, 150)):
                for start in (0, 1, PAGE - 1, PAGE, 3 * PAGE + 7):

                    def scenario(kind=kind, pages=pages, cut=cut, start=start):
                        data = pattern(pages * PAGE)
                        with file_of(data) as file:
                            mapping = kind(file.fileno(), 0, access=mmap.ACCESS_READ)
                            file.truncate(cut * PAGE)
                            for again in range(2):
                                got = nosigbus.safe_read(mapping, offset=start)
                                fault = nosigbus.last_fault()
                                assert got == data[start : cut * PAGE], (len(got), fault)
                                assert fault.cause in (nosigbus.Cause.MISSING, nosigbus.Cause.EOF) and fault.granule == PAGE

                    with self.subTest(kind=kind, pages=pages, cut=cut, start=start):
                        self.assertEqual(in_child(scenario), GOOD)

    def test_addresses_of_nothing(self):
        def scenario(flags):
            nosigbus.install(flags)
            assert nosigbus.safe_read(0x1000, 64) == b""
            assert nosigbus.last_fault().cause is nosigbus.Cause.UNMAPPED
            assert nosigbus.last_fault().address == 0x1000 and nosigbus.last_fault().access == "read"

        self.assertEqual(in_child(scenario, nosigbus.CATCH_SEGV), GOOD)
        self.assertEqual(in_child(scenario, 0), killed_by(signal.SIGSEGV))

    def test_plain_reads_of_the_same_still_kill(self):
        def scenario():
            with file_of(DATA) as file:
                mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                file.truncate(0)
                assert nosigbus.safe_read(mapping) == b""
                mapping[0]

        self.assertEqual(in_child(scenario), killed_by(signal.SIGBUS))


if __name__ == "__main__":
    unittest.main()
