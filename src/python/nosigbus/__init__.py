# SPDX-License-Identifier: MIT
"""Memory-mapped files that somebody else can cut off, without SIGBUS.

    import nosigbus

    with open("data", "rb") as file:
        mapping = nosigbus.mmap(file.fileno(), 0, access=nosigbus.ACCESS_READ)
    numpy.frombuffer(mapping, "f8").sum()   # zeros in place of what is missing meanwhile
    if mapping.faulted:
        mapping.refresh()

`nosigbus.mmap` is a drop-in for `mmap.mmap`, `nosigbus.memmap` for `numpy.memmap`, and the module for the module
(`import nosigbus as mmap`): it has the constants of `mmap`, too.

The handler for SIGBUS is installed with the first mapping, and each further mapping puts it back in front if another
one has come on top of it. Who installs a handler afterwards (`faulthandler.enable()`) calls `rearm()`.
"""

import enum as _enum
import mmap as _mmap
import typing as _typing

from nosigbus import _nosigbus
from nosigbus._nosigbus import (
    ABSORB_IO,
    ABSORB_POISON,
    CATCH_SEGV,
    CLIP,
    DISCARD_WRITES,
    FaultError,
    rearm,
    safe_read,
)

__version__ = "0.1.0"

_constants = [name for name in vars(_mmap) if name.isupper()]
globals().update({name: getattr(_mmap, name) for name in _constants})
error = OSError

__all__ = [
    "ABSORB_IO", "ABSORB_POISON", "Bracket", "CATCH_SEGV", "CLIP", "Cause", "DISCARD_WRITES", "Fault", "FaultError",
    "Readiness", "Stats", "Status", "check", "error", "install", "last_fault", "mmap", "rearm", "safe_read", "stats",
    "uninstall", *_constants,
]  # fmt: skip

_UNKNOWN = 2**64 - 1


class Cause(_enum.IntEnum):
    """Why memory could not be accessed."""

    NONE = 0
    MISSING = 1  # a file's page that could not be supplied, for whatever reason
    EOF = 2  # the file ends before it
    IO = 3  # input/output error, or no space for a hole
    POISON = 4  # the hardware has lost it
    UNMAPPED = 5  # nothing is mapped there
    PROTECTED = 6  # mapped, but not for this access


class Readiness(_enum.IntEnum):
    """Would a SIGBUS in this thread reach nosigbus? The others are numbers of errno."""

    READY = 0
    BLOCKED = 1  # this thread blocks the signal: the kernel would end the process
    NOT_INSTALLED = 2
    DISPLACED = 16  # another handler has been installed on top: rearm()


class Fault(_typing.NamedTuple):
    """What could not be accessed."""

    address: int  # of the first bad byte
    cause: Cause
    access: str  # "read", "write" or "unknown"
    granule: int  # bytes that are bad together


class Status(_typing.NamedTuple):
    """How a mapping is."""

    faults: int  # absorbed since it was made
    generation: int  # changes with each overlay that is made or taken away; odd: overlaid
    first_bad_offset: int | None  # in the mapping: where it is the file's no more
    file_size: int | None  # bytes, now; None: unknown
    cause: Cause  # why it is not whole
    overlaid: bool  # zeros stand in place of missing pages
    sealed: bool  # the file cannot be cut off


class Stats(_typing.NamedTuple):
    """Counters of the process."""

    absorbed: int  # faults that did not end the process
    absorbed_by_region: int  # of these: by zeros in a mapping
    absorbed_by_operation: int  # of these: by the end of a copy
    absorbed_by_guard: int  # of these: by the end of a search
    overlays: int  # system calls that put zeros in place
    chained: int  # signals that were the previous handler's
    regions: int  # mappings of files, now


class Bracket:
    """`with mapping.whole() as bracket`: was what was read in it the file's?

    ok is None inside of the block. Behind it: True, no zeros stood in place of any page of the mapping meanwhile, and
    at its end the file reached as far as the mapping; False otherwise.
    """

    __slots__ = ("_begun", "_mapping", "ok")

    def __init__(self, mapping: "mmap"):
        self._mapping = mapping
        self._begun = 0
        self.ok = None

    def __enter__(self):
        self.ok = None
        self._begun = self._mapping._begin()
        return self

    def __exit__(self, *exception):
        self.ok = self._mapping._end(self._begun) and not self._mapping.faulted


def _status(self) -> Status:
    """How the mapping is."""
    faults, generation, first_bad, file_size, cause, overlaid, sealed = self._status()
    return Status(faults, generation, _known(first_bad), _known(file_size), Cause(cause), overlaid, sealed)


def _faulted(self) -> bool:
    """Part of it is not the file's now: zeros stand in place of missing pages, or the file ends within the last page.
    status() tells where and why, refresh() puts back what has come back."""
    return self._status()[4] != Cause.NONE


def _generation(self) -> int:
    """Changes whenever zeros take the place of pages, or pages that of zeros; odd while there are zeros."""
    return self._status()[1]


def _whole(self) -> Bracket:
    """A context manager that tells whether what was read in its block was the file's."""
    return Bracket(self)


# Not a subclass: that would iterate over numbers, where mmap.mmap gives bytes.
mmap = _nosigbus.mmap
mmap.status = _status
mmap.whole = _whole
mmap.faulted = property(_faulted)
mmap.generation = property(_generation)


def _known(number):
    return None if number == _UNKNOWN else number


def _fault(address, cause, access, granule):
    return Fault(address, Cause(cause), ("unknown", "read", "write")[access], granule)


def _fault_of_error(self):
    return _fault(*self._fault)


FaultError.fault = property(_fault_of_error, doc="As last_fault().")


def last_fault() -> Fault:
    """What this thread's last guarded operation met (safe_read, and methods of mmap); cause NONE: nothing.

    Where zeros were supplied in place of a file's page, address is the first of them.
    """
    return _fault(*_nosigbus.last_fault())


def install(flags: int = 0) -> None:
    """Installs the handler for SIGBUS. With CATCH_SEGV also for SIGSEGV: safe_read then survives addresses where
    nothing is mapped. Mappings do the former by themselves."""
    _nosigbus.install(flags)


def uninstall() -> None:
    """Restores the previous handlers. OSError (EBUSY): there are mappings left, or a handler is on top."""
    _nosigbus.uninstall()


def check() -> Readiness:
    """Tells whether a SIGBUS in this thread would reach nosigbus."""
    return Readiness(_nosigbus.check())


def stats() -> Stats:
    """What there was to absorb since the process began."""
    return Stats(*_nosigbus.stats())


def __getattr__(name):
    # Not before it is used: it takes numpy, which nothing else here does.
    if name == "memmap":
        # Whoever looks at all names (help, inspect) expects no other error.
        try:
            from nosigbus._memmap import memmap
        except ImportError as error:
            raise AttributeError(f"nosigbus.memmap needs numpy: {error}") from error
        globals()["memmap"] = memmap
        return memmap
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), "memmap"})
