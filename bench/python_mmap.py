#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What nosigbus.mmap costs against mmap.mmap: medians of runs in turns, in nanoseconds.

    PYTHONPATH=build/release/python bench/python_mmap.py [--rounds N]

Nobody cuts anything off; that is measured by bench/region_bench.cpp.
"""

import argparse
import mmap
import os
import statistics
import time

import nosigbus

SIZE = 64 << 20


def cases():
    yield "m[i]", 2000, lambda m: m[4097]
    yield "m[i] = n", 2000, lambda m: m.__setitem__(4097, 7)
    for size in (16, 4096, 1 << 16, 1 << 20, 16 << 20):
        yield f"m[i:j], {size} bytes", max(1, min(2000, (4 << 20) // (size + 1000))), lambda m, n=size: m[64 : 64 + n]
    yield "m[i:j:2], 4096 bytes", 50, lambda m: m[64 : 64 + 8192 : 2]
    yield "m[i:j] = bytes, 4096 bytes", 2000, lambda m, data=bytes(4096): m.__setitem__(slice(64, 4160), data)
    yield "find, 4096 bytes", 100, lambda m: m.find(b"\1\2", 0, 4096)
    yield "find, 1 MiB", 1, lambda m: m.find(b"\1\2", 0, 1 << 20)
    yield "rfind, 1 MiB", 1, lambda m: m.rfind(b"\1\2", 0, 1 << 20)
    yield "readline, 4096 bytes", 1000, lambda m: (m.seek(8192), m.readline())
    try:
        import numpy
    except ImportError:
        return
    yield "numpy sum, 4 MiB", 1, lambda m: numpy.frombuffer(m, "f8", 1 << 19).sum()
    yield "numpy frombuffer", 1000, lambda m: numpy.frombuffer(m, "u1", 16)


def measure(call, mapping, count):
    begin = time.perf_counter_ns()
    for _ in range(count):
        call(mapping)
    return (time.perf_counter_ns() - begin) / count


def make_and_close(kind, file):
    def call(_):
        kind(file, 1 << 16, access=mmap.ACCESS_READ).close()

    return call


def row(name, count, calls, rounds):
    times = {kind: [] for kind in calls}
    for _ in range(rounds):
        for kind, (call, mapping) in calls.items():
            times[kind].append(measure(call, mapping, count))
    ours, theirs = (statistics.median(times[kind]) for kind in (nosigbus.mmap, mmap.mmap))
    print(f"| {name} | {ours:.0f} | {theirs:.0f} | {theirs / ours:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=51)
    rounds = parser.parse_args().rounds
    file = os.memfd_create("bench")
    os.ftruncate(file, SIZE)
    os.pwrite(file, bytes(SIZE), 0)
    os.pwrite(file, b"\n", 8192 + 4095)
    mappings = {kind: kind(file, SIZE) for kind in (nosigbus.mmap, mmap.mmap)}
    print("| work | nosigbus.mmap, ns | mmap.mmap, ns | theirs / ours |\n| --- | ---: | ---: | ---: |")
    for name, count, call in cases():
        for mapping in mappings.values():
            call(mapping)
        row(name, count, {kind: (call, mapping) for kind, mapping in mappings.items()}, rounds)
    row("map and close, 64 KiB", 100, {kind: (make_and_close(kind, file), None) for kind in mappings}, rounds)


if __name__ == "__main__":
    main()
