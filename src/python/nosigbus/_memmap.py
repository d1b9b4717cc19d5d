# SPDX-License-Identifier: MIT
"""nosigbus.memmap: numpy.memmap on nosigbus.mmap. Apart from the rest, which works without numpy."""

import contextlib
import math
import os
import pathlib

import numpy

import nosigbus

_ACCESS = {
    "r": nosigbus.ACCESS_READ,
    "c": nosigbus.ACCESS_COPY,
    "r+": nosigbus.ACCESS_WRITE,
    "w+": nosigbus.ACCESS_WRITE,
}
_MODES = {"readonly": "r", "copyonwrite": "c", "readwrite": "r+", "write": "w+"}


class memmap(numpy.memmap):
    """An array in a file that somebody else may cut off: numpy.memmap, with the same arguments, on nosigbus.mmap.

    guard: as for nosigbus.mmap. Without DISCARD_WRITES, storing to a missing page in mode 'r+' or 'w+' ends the
    process, as with numpy.memmap; reading never does.
    """

    # Where it is looked for, by pickle too.
    __module__ = "nosigbus"

    def __new__(cls, filename, dtype=numpy.uint8, mode="r+", offset=0, shape=None, order="C", *, guard=0):
        mode = _MODES.get(mode, mode)
        if mode not in _ACCESS:
            raise ValueError(f"mode must be one of {[*_ACCESS, *_MODES]!r} (got {mode!r})")
        if mode == "w+" and shape is None:
            raise ValueError("shape must be given")
        dtype = numpy.dtype(dtype)
        with _opened(filename, mode) as file:
            shape, end = _extent(file, mode, dtype, offset, shape)
            start = offset - offset % nosigbus.ALLOCATIONGRANULARITY
            mapping = nosigbus.mmap(file.fileno(), end - start, access=_ACCESS[mode], offset=start, guard=guard)
            path = getattr(file, "name", None)
        self = numpy.ndarray.__new__(cls, shape, dtype=dtype, buffer=mapping, offset=offset - start, order=order)
        self._mmap = mapping
        self.offset = offset
        self.mode = mode
        if isinstance(filename, pathlib.Path):
            self.filename = filename.resolve()
        else:
            self.filename = os.path.abspath(path) if isinstance(path, str) else None
        return self

    @property
    def faulted(self):
        """As mmap.faulted: part of the file's mapping is not the file's now. False for an array in memory."""
        return self._mmap is not None and self._mmap.faulted

    def refresh(self):
        """As mmap.refresh. Views stay valid."""
        return self._mapping().refresh()

    def status(self):
        """As mmap.status; offsets count from the beginning of the mapping, which is a multiple of
        ALLOCATIONGRANULARITY in the file."""
        return self._mapping().status()

    def whole(self):
        """As mmap.whole."""
        return self._mapping().whole()

    def _mapping(self):
        if self._mmap is None:
            raise ValueError("the array is not in a file")
        return self._mmap

    def flush(self):
        """Writes what was changed to the file. FaultError as from mmap.flush."""
        if self._mmap is not None:
            self._mmap.flush()

    # What numpy.memmap does for its own type, and for no other: results are ordinary arrays and scalars.
    def __array_wrap__(self, array, context=None, return_scalar=False):
        result = numpy.ndarray.__array_wrap__(self, array, context)
        if self is array or type(self) is not memmap:
            return result
        return result[()] if result.shape == () else result.view(numpy.ndarray)

    def __getitem__(self, index):
        result = numpy.ndarray.__getitem__(self, index)
        if type(result) is memmap and result._mmap is None:
            return result.view(numpy.ndarray)
        return result


def _opened(filename, mode):
    if hasattr(filename, "read"):
        return contextlib.nullcontext(filename)
    return open(os.fspath(filename), ("r" if mode == "c" else mode) + "b")


def _extent(file, mode, dtype, offset, shape):
    """The shape, and where it ends in the file, which is made that long if it may be."""
    size = file.seek(0, os.SEEK_END)
    if shape is None:
        count, rest = divmod(size - offset, dtype.itemsize)
        if rest:
            raise ValueError("Size of available data is not a multiple of the data-type size.")
        shape = (count,)
    elif not isinstance(shape, tuple):
        shape = (shape,)
    end = offset + math.prod(int(length) for length in shape) * dtype.itemsize
    if mode in ("r+", "w+") and size < end:
        file.seek(end - 1)
        file.write(b"\0")
        file.flush()
    return shape, end
