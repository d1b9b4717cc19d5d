# SPDX-License-Identifier: MIT
"""A Python program that loads libnosigbus by ctypes, and the faults of its mappings: subject.py MODE CASE, as the
programs of examples/embedders. NOSIGBUS_LIBRARY, NOSIGBUS_FFI: the library, and what those programs have in common."""

import ctypes
import gc
import mmap
import os
import signal
import sys
import threading

PAGE, PAGES, FILL = 4096, 16, 0x5A
SIZE = PAGE * PAGES
EBUSY, EFAULT = 16, 14
CATCH_SEGV = 1

nosigbus = ctypes.CDLL(os.environ["NOSIGBUS_LIBRARY"])
common = ctypes.CDLL(os.environ["NOSIGBUS_FFI"])
nosigbus.nosigbus_map.argtypes = [
    ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_long, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint]
nosigbus.nosigbus_region_data.argtypes = [ctypes.c_void_p]
nosigbus.nosigbus_region_data.restype = ctypes.c_void_p
nosigbus.nosigbus_region_refresh.argtypes = [ctypes.c_void_p]
nosigbus.nosigbus_region_release.argtypes = [ctypes.c_void_p]
nosigbus.nosigbus_safe_read.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
nosigbus.nosigbus_safe_read.restype = ctypes.c_size_t
common.guarded_sum.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t)]
common.guarded_sum.restype = ctypes.c_long


def displaced():
    assert nosigbus.nosigbus_install(0) == 0 and common.handlers_report_crashes() == 0
    assert nosigbus.nosigbus_check() == -EBUSY


def rearmed():
    displaced()
    assert nosigbus.nosigbus_rearm() == 0


def must(result):
    assert result == 0, result


MODES = {
    "none": lambda: None,
    "installed": lambda: must(nosigbus.nosigbus_install(0)),
    "segv": lambda: must(nosigbus.nosigbus_install(CATCH_SEGV)),
    "own": lambda: must(common.handlers_own()),
    "displaced": displaced,
    "rearmed": rearmed,
}


def refill(fd):
    assert os.pwrite(fd, bytes([FILL]) * SIZE, 0) == SIZE


def new_file():
    fd = os.memfd_create("subject")
    refill(fd)
    return fd


def foreign():
    """A mapping of Python's, of which one page is left."""
    fd = new_file()
    mapping = mmap.mmap(fd, SIZE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    os.ftruncate(fd, PAGE)
    os.close(fd)
    return mapping


def address_of(mapping):
    return ctypes.addressof(ctypes.c_char.from_buffer(mapping))


def region_sum(view):
    """Adds up the byte of each page that says whether it is the file's."""
    return sum(view[at] for at in range(0, SIZE, PAGE))


def new_region():
    fd, handle = new_file(), ctypes.c_void_p()
    must(nosigbus.nosigbus_map(handle, fd, 0, SIZE, mmap.PROT_READ, 0))
    data = nosigbus.nosigbus_region_data(handle)
    return fd, handle, memoryview((ctypes.c_ubyte * SIZE).from_address(data)).cast("B")


def read_region():
    fd, handle, view = new_region()
    for _ in range(20):
        assert region_sum(view) == PAGES * FILL
        os.ftruncate(fd, PAGE)
        assert region_sum(view) == FILL and bytes(view[PAGE:]) == bytes(SIZE - PAGE)
        assert nosigbus.nosigbus_region_refresh(handle) == 0
        refill(fd)
        assert nosigbus.nosigbus_region_refresh(handle) == 1
        gc.collect()
    assert nosigbus.nosigbus_region_release(handle) == 0


def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def race():
    """Threads that read while it happens. Each ends when it has met the missing part."""
    fd, _, view = new_region()

    def read_until_cut():
        while region_sum(view) != FILL:
            pass

    readers = [threading.Thread(target=read_until_cut) for _ in range(4)]
    for reader in readers:
        reader.start()
    os.ftruncate(fd, PAGE)
    for reader in readers:
        reader.join()


def safe_read():
    mapping, copy = foreign(), ctypes.create_string_buffer(b"\1" * SIZE, SIZE)
    assert nosigbus.nosigbus_safe_read(copy, address_of(mapping), SIZE) == PAGE
    assert copy.raw == bytes([FILL]) * PAGE + bytes(SIZE - PAGE)
    assert nosigbus.nosigbus_safe_read(copy, address_of(mapping), PAGE) == PAGE


def guard():
    mapping, bad = foreign(), ctypes.c_size_t()
    assert common.guarded_sum(address_of(mapping), SIZE, bad) == -EFAULT and bad.value == PAGE
    assert common.guarded_sum(address_of(mapping), PAGE, bad) == PAGE * FILL


def recursion():
    def endless():
        return endless() + 1

    try:
        endless()
    except RecursionError:
        print("RecursionError")


def in_script():
    """A handler in Python gets what is sent."""
    signal.signal(signal.SIGUSR1, lambda number, frame: print("handled"))
    os.kill(os.getpid(), signal.SIGUSR1)


def owner():
    text = ctypes.create_string_buffer(64)
    for number in (signal.SIGBUS, signal.SIGSEGV):
        must(common.handlers_describe(int(number), text, ctypes.c_size_t(64)))
        print(f"{number.name}: {text.value.decode()}")


CASES = {
    "region": read_region,
    "region-thread": lambda: in_thread(read_region),
    "race": race,
    "safe-read": safe_read,
    "guard": guard,
    "foreign": lambda: print(region_sum(foreign())),
    "foreign-thread": lambda: in_thread(lambda: print(region_sum(foreign()))),
    "wild": lambda: ctypes.string_at(8, 1),
    "sent": lambda: os.kill(os.getpid(), signal.SIGBUS),
    "recursion": recursion,
    "in-script": in_script,
    "check": lambda: print(f"check: {-nosigbus.nosigbus_check()}"),
    "owner": owner,
}

if __name__ == "__main__":
    MODES[sys.argv[1]]()
    CASES[sys.argv[2]]()
