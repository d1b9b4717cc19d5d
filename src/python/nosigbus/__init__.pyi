# SPDX-License-Identifier: MIT
import enum
import os
import types
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, Literal, NamedTuple, overload

import numpy
from numpy.typing import DTypeLike
from typing_extensions import Self, SupportsIndex

# Objects with the buffer protocol.
_Buffer = Any

__version__: Final[str]

error = OSError

# As the module mmap has them.
ACCESS_COPY: int
ACCESS_DEFAULT: int
ACCESS_READ: int
ACCESS_WRITE: int
ALLOCATIONGRANULARITY: int
MADV_DODUMP: int
MADV_DOFORK: int
MADV_DONTDUMP: int
MADV_DONTFORK: int
MADV_DONTNEED: int
MADV_FREE: int
MADV_HUGEPAGE: int
MADV_HWPOISON: int
MADV_MERGEABLE: int
MADV_NOHUGEPAGE: int
MADV_NORMAL: int
MADV_RANDOM: int
MADV_REMOVE: int
MADV_SEQUENTIAL: int
MADV_UNMERGEABLE: int
MADV_WILLNEED: int
MAP_ANON: int
MAP_ANONYMOUS: int
MAP_DENYWRITE: int
MAP_EXECUTABLE: int
MAP_POPULATE: int
MAP_PRIVATE: int
MAP_SHARED: int
MAP_STACK: int
PAGESIZE: int
PROT_EXEC: int
PROT_READ: int
PROT_WRITE: int

# Of mmap(guard=) and memmap(guard=).
DISCARD_WRITES: Final[int]
ABSORB_IO: Final[int]
ABSORB_POISON: Final[int]
CLIP: Final[int]
# Of install().
CATCH_SEGV: Final[int]

class Cause(enum.IntEnum):
    NONE = 0
    MISSING = 1
    EOF = 2
    IO = 3
    POISON = 4
    UNMAPPED = 5
    PROTECTED = 6

class Readiness(enum.IntEnum):
    READY = 0
    BLOCKED = 1
    NOT_INSTALLED = 2
    DISPLACED = 16

class Fault(NamedTuple):
    address: int
    cause: Cause
    access: Literal["unknown", "read", "write"]
    granule: int

class Status(NamedTuple):
    faults: int
    generation: int
    first_bad_offset: int | None
    file_size: int | None
    cause: Cause
    overlaid: bool
    sealed: bool

class Stats(NamedTuple):
    absorbed: int
    absorbed_by_region: int
    absorbed_by_operation: int
    absorbed_by_guard: int
    overlays: int
    chained: int
    regions: int

class FaultError(OSError):
    offset: int | None
    done: int
    @property
    def fault(self) -> Fault: ...

class Bracket:
    ok: bool | None
    def __init__(self, mapping: mmap) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: types.TracebackType | None
    ) -> None: ...

class mmap:
    def __new__(
        cls,
        fileno: int,
        length: int,
        flags: int = ...,
        prot: int = ...,
        access: int = ...,
        offset: int = 0,
        *,
        trackfd: bool = True,
        guard: int = 0,
    ) -> Self: ...
    @property
    def closed(self) -> bool: ...
    @property
    def faulted(self) -> bool: ...
    @property
    def generation(self) -> int: ...
    def status(self) -> Status: ...
    def whole(self) -> Bracket: ...
    def refresh(self) -> bool: ...
    def close(self) -> None: ...
    def find(self, sub: _Buffer, start: int = ..., end: int = ..., /) -> int: ...
    def rfind(self, sub: _Buffer, start: int = ..., end: int = ..., /) -> int: ...
    def flush(self, offset: int = 0, size: int = ..., /) -> None: ...
    def madvise(self, option: int, start: int = 0, length: int = ..., /) -> None: ...
    def move(self, dest: int, src: int, count: int, /) -> None: ...
    def read(self, n: int | None = None, /) -> bytes: ...
    def read_byte(self) -> int: ...
    def readline(self) -> bytes: ...
    def resize(self, newsize: int, /) -> None: ...
    def seek(self, pos: int, whence: int = 0, /) -> None: ...
    def size(self) -> int: ...
    def tell(self) -> int: ...
    def write(self, bytes: _Buffer, /) -> int: ...
    def write_byte(self, byte: int, /) -> None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, key: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...
    @overload
    def __setitem__(self, key: SupportsIndex, value: int, /) -> None: ...
    @overload
    def __setitem__(self, key: slice, value: _Buffer, /) -> None: ...
    # Bytes of length 1, as mmap.mmap.
    def __iter__(self) -> Iterator[bytes]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

class memmap(numpy.memmap[Any, Any]):
    def __new__(
        cls,
        filename: str | os.PathLike[str] | BinaryIO,
        dtype: DTypeLike = ...,
        mode: str = "r+",
        offset: int = 0,
        shape: int | tuple[int, ...] | None = None,
        order: Literal["C", "F"] = "C",
        *,
        guard: int = 0,
    ) -> Self: ...
    @property
    def faulted(self) -> bool: ...
    def refresh(self) -> bool: ...
    def status(self) -> Status: ...
    def whole(self) -> Bracket: ...

def safe_read(source: _Buffer | int, length: int | None = None, offset: int = 0) -> bytes: ...
def last_fault() -> Fault: ...
def install(flags: int = 0) -> None: ...
def uninstall() -> None: ...
def check() -> Readiness: ...
def rearm() -> None: ...
def stats() -> Stats: ...
