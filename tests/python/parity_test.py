# SPDX-License-Identifier: MIT
"""nosigbus.mmap and mmap.mmap give the same answers and the same errors, as long as nobody cuts anything off."""

import fcntl
import itertools
import mmap
import os
import pydoc
import random
import sys
import unittest

import nosigbus
from support import GOOD, PAGE, file_of, in_child, pattern

SIZE = PAGE + 500


def store(key, value):
    def call(m):
        m[key] = value

    return call


def delete(m):
    del m[0]


# What is called with the mapping, one after the other; position and content go along.
CALLS = {
    "bad index": lambda m: m["a"],
    "index behind": lambda m: m[SIZE],
    "index in front": lambda m: m[-SIZE - 1],
    "huge index": lambda m: m[2**70],
    "slice without step": lambda m: m[:: 0],
    "empty slices": lambda m: (m[0:0], m[5:2], m[SIZE:], m[2**70 :]),
    "store too much": store(0, 256),
    "store bytes": store(0, b"a"),
    "store float": store(0, 1.5),
    "store": store(3, 77),
    "store wrong size": store(slice(0, 3), b"a"),
    "store no bytes": store(slice(0, 3), 1),
    "store text": store(slice(0, 3), "abc"),
    "store a slice": store(slice(0, 3), b"abc"),
    "store with a step": store(slice(9, 0, -3), b"xyz"),
    "delete": delete,
    "tell": lambda m: m.tell(),
    "seek": lambda m: m.seek(100),
    "seek on": lambda m: (m.seek(-50, 1), m.tell()),
    "seek back": lambda m: (m.seek(-100, 2), m.tell()),
    "seek bad": lambda m: m.seek(1, 5),
    "seek behind": lambda m: m.seek(SIZE + 1),
    "seek overflow": lambda m: m.seek(sys.maxsize, 1),
    "seek none": lambda m: m.seek(1, None),
    "read": lambda m: m.read(10),
    "read text": lambda m: m.read("a"),
    "read float": lambda m: m.read(1.5),
    "read huge": lambda m: m.read(2**70),
    "read rest": lambda m: m.read(),
    "read at end": lambda m: m.read(5),
    "readline at end": lambda m: m.readline(),
    "read_byte at end": lambda m: m.read_byte(),
    "write_byte at end": lambda m: m.write_byte(3),
    "write at end": lambda m: m.write(b"x"),
    "write nothing": lambda m: m.write(b""),
    "rewind": lambda m: m.seek(0),
    "write": lambda m: m.write(b"line\nand more\n"),
    "write text": lambda m: m.write("a"),
    "write_byte": lambda m: m.write_byte(10),
    "write_byte too much": lambda m: m.write_byte(256),
    "write_byte text": lambda m: m.write_byte("a"),
    "rewind again": lambda m: m.seek(0),
    "readline": lambda m: (m.readline(), m.readline(), m.tell()),
    "find": lambda m: (m.find(b"and"), m.find(b"and", 0), m.find(b"and", 0, 7), m.find(b"")),
    "rfind": lambda m: (m.rfind(b"n"), m.rfind(b"n", 0), m.rfind(b"n", -SIZE, 7), m.rfind(b"")),
    "find long": lambda m: (m.find(m[:]), m.find(m[:], 0), m.find(m[:] + b"x"), m.rfind(m[:], 0)),
    "find number": lambda m: m.find(1),
    "find none": lambda m: m.find(b"a", None),
    "move": lambda m: (m.move(10, 0, 100), m.move(0, 7, 100), m[:200]),
    "move behind": lambda m: m.move(0, 0, SIZE + 1),
    "move negative": lambda m: m.move(0, -1, 1),
    "move edge": lambda m: m.move(SIZE, SIZE, 0),
    "flush": lambda m: m.flush(),
    "flush part": lambda m: m.flush(0, 7),
    "flush unaligned": lambda m: m.flush(3, 7),
    "flush behind": lambda m: m.flush(1),
    "flush negative": lambda m: m.flush(-1, 2),
    "madvise": lambda m: m.madvise(mmap.MADV_WILLNEED),
    "madvise unknown": lambda m: m.madvise(100000),
    "madvise behind": lambda m: m.madvise(4, SIZE),
    "madvise negative": lambda m: m.madvise(4, 0, -1),
    "size": lambda m: (m.size(), len(m)),
    "concatenate": lambda m: m + m,
    "repeat": lambda m: m * 2,
    "iterate": list,
    "contains": lambda m: (b"a" in m, 97 in m),
    "pickle": lambda m: __import__("pickle").dumps(m),
    "set attribute": lambda m: setattr(m, "x", 1),
    "set closed": lambda m: setattr(m, "closed", True),
    "view": lambda m: (lambda v: (v.format, v.readonly, v.shape, v.strides, v.itemsize, v.nbytes))(memoryview(m)),
    "too many": lambda m: m.tell(1),
    "resize negative": lambda m: m.resize(-1),
    "resize": lambda m: (m.resize(2 * PAGE), len(m), m.size(), m[-1]),
    "resize with a view": lambda m: (lambda v: m.resize(5))(memoryview(m)),
    "close with a view": lambda m: (lambda v: m.close())(memoryview(m)),
    "resize back": lambda m: (m.seek(PAGE), m.resize(100), len(m), m.size(), m.tell(), m.read(), m.closed),
    "find behind": lambda m: m.find(b"a"),
    "closed": lambda m: (m.closed, m.close()),
    "closed index": lambda m: m[0],
    "closed length": len,
    "closed read": lambda m: m.read(),
    "closed enter": lambda m: m.__enter__(),
    "closed view": memoryview,
    "closed size": lambda m: m.size(),
}

CONSTRUCTIONS = {
    "nothing": lambda c, fd: c(),
    "negative": lambda c, fd: c(fd, -1),
    "too long": lambda c, fd: c(fd, SIZE + 1),
    "huge": lambda c, fd: c(fd, 2**70),
    "offset": lambda c, fd: len(c(fd, 0, offset=PAGE)),
    "offset behind": lambda c, fd: c(fd, 0, offset=16 * PAGE),
    "offset negative": lambda c, fd: c(fd, 10, offset=-1),
    "offset unaligned": lambda c, fd: c(fd, 10, offset=5),
    "access": lambda c, fd: c(fd, 10, access=9),
    "access and flags": lambda c, fd: c(fd, 10, access=1, flags=2),
    "no flags": lambda c, fd: c(fd, 10, flags=0),
    "bad descriptor": lambda c, fd: c(-2, 10),
    "anonymous": lambda c, fd: (c(-1, 10)[:], len(c(-1, 10))),
    "anonymous and empty": lambda c, fd: c(-1, 0),
    "anonymous size": lambda c, fd: c(-1, 10).size(),
    "anonymous resize": lambda c, fd: (lambda m: (m.resize(3 * PAGE), len(m)))(c(-1, 10)),
    "anonymous by flag": lambda c, fd: c(fd, 10, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)[:],
    "read only": lambda c, fd: store(0, 1)(c(fd, 10, access=mmap.ACCESS_READ)),
    "read only resize": lambda c, fd: c(fd, 10, access=mmap.ACCESS_READ).resize(5),
    "copy resize": lambda c, fd: c(fd, 10, access=mmap.ACCESS_COPY).resize(5),
    "write only": lambda c, fd: c(fd, 10, prot=mmap.PROT_WRITE)[:],
    "populate": lambda c, fd: c(fd, 10, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)[:],
    "strange keyword": lambda c, fd: c(fd, 10, colour=3),
}


def answer(call, *arguments):
    try:
        return call(*arguments)
    except Exception as error:
        # The class has another name, and the type of a nosigbus.mmap is not immutable.
        text = str(error).replace("nosigbus.mmap", "mmap.mmap")
        return type(error), getattr(error, "errno", None), text


class Parity(unittest.TestCase):
    def test_calls(self):
        with file_of(pattern(SIZE)) as theirs, file_of(pattern(SIZE)) as ours:
            a, b = mmap.mmap(theirs.fileno(), 0), nosigbus.mmap(ours.fileno(), 0)
            for name, call in CALLS.items():
                with self.subTest(call=name):
                    self.assertEqual(answer(call, a), answer(call, b))
            self.assertEqual(os.pread(theirs.fileno(), SIZE, 0), os.pread(ours.fileno(), SIZE, 0))

    def test_constructions(self):
        with file_of(pattern(SIZE)) as file:
            for name, call in CONSTRUCTIONS.items():
                with self.subTest(construction=name):
                    theirs, ours = (answer(call, c, file.fileno()) for c in (mmap.mmap, nosigbus.mmap))
                    if name == "no flags":  # what is wrong is said, not only that something is
                        theirs, ours = theirs[:2], ours[:2]
                    self.assertEqual(theirs, ours)

    def test_random_slices(self):
        draw = random.Random(7)
        with file_of(pattern(SIZE)) as theirs, file_of(pattern(SIZE)) as ours:
            a, b = mmap.mmap(theirs.fileno(), 0), nosigbus.mmap(ours.fileno(), 0)
            for _ in range(3000):
                key = slice(*(draw.choice((None, draw.randint(-SIZE - 9, SIZE + 9))) for _ in range(2)),
                            draw.choice((None, 1, 1, 2, 7, -1, -5, PAGE, -PAGE)))  # fmt: skip
                self.assertEqual(a[key], b[key])
                value = draw.randbytes(len(a[key]))
                a[key] = value
                b[key] = value
            self.assertEqual(a[:], b[:])

    def test_names(self):
        names = {name for name in dir(mmap.mmap) if not name.startswith("__")}
        self.assertEqual(names - set(dir(nosigbus.mmap)), set())
        self.assertEqual({name for name in dir(mmap) if not name.startswith("_")} - set(dir(nosigbus)), set())
        for name in itertools.filterfalse(lambda name: name.startswith("_"), dir(nosigbus.mmap)):
            with self.subTest(documented=name):
                self.assertTrue(getattr(nosigbus.mmap, name).__doc__)

    def test_help_does_without_numpy(self):
        def scenario():
            sys.modules["numpy"] = None  # not to be imported
            assert "safe_read" in pydoc.render_doc(nosigbus)
            assert not hasattr(nosigbus, "memmap")

        self.assertEqual(in_child(scenario), GOOD)

    def test_audit_hooks_hear_of_it(self):
        heard = []
        sys.addaudithook(lambda event, arguments: heard.append(arguments) if event == "mmap.__new__" else None)
        nosigbus.mmap(-1, 17)
        mmap.mmap(-1, 17)
        self.assertEqual(heard, [(-1, 17, 0, 0)] * 2)


class Closing:
    """An index that closes, or shrinks, what it is an index of."""

    def __init__(self, act, value=0):
        self.act = act
        self.value = value

    def __index__(self):
        self.act()
        return self.value


class Ours(unittest.TestCase):
    """What mmap.mmap of this Python does not have, or does in another way."""

    def test_without_a_descriptor_of_its_own(self):
        with file_of(pattern(SIZE)) as file:
            mapping = nosigbus.mmap(file.fileno(), 0, trackfd=False)
            self.assertEqual(mapping[:], pattern(SIZE))
            self.assertRaises(OSError, mapping.size)
            for size in (SIZE // 2, SIZE * 2):  # which the file would not have
                self.assertRaises(ValueError, mapping.resize, size)
            self.assertEqual(mapping[:], pattern(SIZE))

    def test_bad_guards_and_flags(self):
        with file_of(pattern(SIZE)) as file:
            self.assertRaises(ValueError, nosigbus.mmap, file.fileno(), 0, guard=0x100)
            self.assertRaises(ValueError, nosigbus.mmap, file.fileno(), 0, guard=-1)
            with self.assertRaisesRegex(OSError, "flags"):
                nosigbus.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED | 0x2000)  # MAP_LOCKED

    def test_what_cannot_be_read_says_so(self):
        with file_of(pattern(SIZE)) as file:
            mapping = nosigbus.mmap(file.fileno(), 0, prot=0)  # PROT_NONE
            for call in (len, lambda m: m.tell()):
                call(mapping)
            for call in (lambda m: m[0], lambda m: m[:], lambda m: m.read(), lambda m: m.find(b"a"), memoryview):
                self.assertRaisesRegex(TypeError, "PROT_READ", call, mapping)

    def test_arguments_can_close_and_shrink_it(self):
        # Python 3.11.2 reads and writes what is not mapped any more.
        calls = {
            "index": lambda m, i: m[i],
            "slice": lambda m, i: m[i : i],
            "value": lambda m, i: m.__setitem__(i.value, i),
            "stored slice": lambda m, i: m.__setitem__(slice(0, i), b"x" * i.value),
            "read": lambda m, i: m.read(i) and None,
            "write_byte": lambda m, i: m.write_byte(i),
            "find": lambda m, i: m.find(b"a", i),
            "rfind": lambda m, i: m.rfind(b"a", 0, i),
            "move": lambda m, i: m.move(i, 0, 1),
            "seek": lambda m, i: m.seek(i),
            "flush": lambda m, i: m.flush(0, i),
            "madvise": lambda m, i: m.madvise(0, 0, i),
        }
        for name, call in calls.items():
            with self.subTest(close=name), file_of(pattern(SIZE)) as file:
                m = nosigbus.mmap(file.fileno(), 0)
                self.assertRaisesRegex(ValueError, "closed", call, m, Closing(m.close, 60))
            with self.subTest(shrink=name), file_of(pattern(SIZE)) as file:
                m = nosigbus.mmap(file.fileno(), 0)
                answer(call, m, Closing(lambda m=m: m.resize(10), 60))
                self.assertEqual(m[1:], pattern(10)[1:])

    def test_anonymous_memory_that_grows_is_missing(self):
        # Linux leaves shared anonymous memory as long as it was made; mmap.mmap dies.
        mapping = nosigbus.mmap(-1, 10)
        mapping.resize(2 * PAGE)
        self.assertEqual(mapping[9], 0)
        self.assertRaises(nosigbus.FaultError, lambda: mapping[-1])
        self.assertRaises(nosigbus.FaultError, mapping.find, b"a")

    def test_a_resize_that_fails_changes_nothing(self):
        with file_of(pattern(SIZE)) as file:
            sealed = os.memfd_create("sealed", os.MFD_ALLOW_SEALING)
            os.ftruncate(sealed, SIZE)
            fcntl.fcntl(sealed, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            private = nosigbus.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE)
            sealed = nosigbus.mmap(sealed, 0)
            for mapping, size in ((private, 1 << 40), (sealed, 3 * PAGE), (sealed, 10)):
                with self.subTest(size=size):
                    before = mapping[:]
                    self.assertRaises(OSError, mapping.resize, size)
                    self.assertEqual((mapping[:], mapping.size()), (before, SIZE))
            self.assertTrue(sealed.status().sealed)

    def test_an_empty_resize_leaves_the_file(self):
        with file_of(pattern(SIZE)) as file:
            self.assertRaises(OSError, nosigbus.mmap(file.fileno(), 0).resize, 0)
            self.assertEqual(os.fstat(file.fileno()).st_size, SIZE)


if __name__ == "__main__":
    unittest.main()
