#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plots the end of a file of measurements that another program goes on writing, and now and then starts anew.

    monitor.py FILE [--seconds S]    FILE: doubles, one after the other. Draws until it is interrupted.
    monitor.py --demo                with a recorder of its own, whose log is rotated as logrotate's copytruncate does
    monitor.py --demo --unguarded    the same by numpy.memmap, which the first rotation ends

The array is the file, so nothing is read twice; and the file is cut off at any moment, also while numpy is at work on
it. Then what is missing reads as zeros, the bracket says that this picture is none, and the mapping is made anew.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

try:
    import numpy
except ImportError:
    print("skipped: no numpy (python3-numpy)")
    sys.exit(77)

import nosigbus

BARS = " ▁▂▃▄▅▆▇█"
WINDOW = 1 << 20
COLUMNS = 64


class Monitor:
    def __init__(self, path, unguarded=False):
        self.path = path
        self.unguarded = unguarded
        self.array = None
        self.pictures = self.discarded = 0

    def map_what_there_is(self):
        """Anew when the file has another length. Nothing to see: None."""
        count = os.path.getsize(self.path) // 8
        if count < COLUMNS:
            self.array = None
        elif self.array is None or len(self.array) != count or self.faulted():
            kind = numpy.memmap if self.unguarded else nosigbus.memmap
            try:
                self.array = kind(self.path, "f8", "r", shape=(count,))
            except ValueError:  # cut off since it was asked for its size
                self.array = None
        return self.array

    def faulted(self):
        return not self.unguarded and self.array.faulted

    def draw(self):
        """A line, or None: there is nothing that could be drawn."""
        array = self.map_what_there_is()
        if array is None:
            return None
        if self.unguarded:
            line = self.plot(array)
        else:
            with array.whole() as bracket:
                line = self.plot(array)
            if not bracket.ok:
                self.discarded += 1
                return None
        self.pictures += 1
        return line

    @staticmethod
    def plot(array):
        end = array[-min(WINDOW, len(array)) :]
        columns = end[: len(end) // COLUMNS * COLUMNS].reshape(COLUMNS, -1)
        heights = columns.mean(axis=1)
        low, high = heights.min(), heights.max()
        steps = numpy.rint((heights - low) / ((high - low) or 1) * (len(BARS) - 1)).astype(int)
        picture = "".join(BARS[step] for step in steps)
        return f"{len(array):9} |{picture}| mean {end.mean():+.3f}, spread {end.std():.3f}"


def record(path, rotations):
    """Writes a noisy wave; each 50 ms of it the log is cut off."""
    noise = numpy.random.default_rng(7)
    with open(path, "ab", buffering=0) as file:
        for _ in range(rotations):
            end = time.monotonic() + 0.05
            while time.monotonic() < end:
                start = os.fstat(file.fileno()).st_size // 8
                wave = numpy.sin(numpy.arange(start, start + (1 << 16)) / 20000) + noise.normal(0, 0.3, 1 << 16)
                file.write(wave.tobytes())
            os.ftruncate(file.fileno(), 1000)
        os.ftruncate(file.fileno(), 0)


def demo(unguarded):
    """0: every rotation was survived, and both good and bad pictures were told apart."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        open(path, "w").close()
        monitor = Monitor(path, unguarded)
        line = "no picture"
        with subprocess.Popen([sys.executable, __file__, "--record", path]) as recorder:
            while recorder.poll() is None:
                line = monitor.draw() or line
                if sys.stdout.isatty():
                    print("\r" + line, end="", flush=True)
        print(line)
        print(f"{monitor.pictures} pictures; {monitor.discarded} discarded, of a file that was cut off meanwhile;")
        print(f"{nosigbus.stats().absorbed} times this program would have died")
        return 0 if recorder.returncode == 0 and monitor.pictures > 0 and nosigbus.stats().absorbed > 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--seconds", type=float, default=0.2, help="between two pictures")
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--unguarded", action="store_true", help="by numpy.memmap")
    parser.add_argument("--record", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.record:
        return record(options.record, 40)
    if options.demo:
        return demo(options.unguarded)
    if options.file is None:
        parser.error("which file?")
    monitor = Monitor(options.file, options.unguarded)
    while True:
        print("\r" + (monitor.draw() or "nothing to see"), end="\033[K", flush=True)
        time.sleep(options.seconds)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print()
