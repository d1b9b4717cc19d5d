# SPDX-License-Identifier: MIT
"""CPython's own test.test_mmap (Debian: libpython3.11-testsuite), with nosigbus in place of the module mmap.

Exit status 0: everything that ran passed; 77: that suite is not installed. The last line tells how many.
"""

import os
import sys
import tempfile
import unittest

import nosigbus

# Cases that do not apply, by name, each with the reason.
EXCLUDED = {}


class RenamedMmap(nosigbus.mmap):
    """test_repr knows the class by its name."""

    __module__ = "mmap"
    __qualname__ = "mmap"
    __slots__ = ()


def load():
    sys.modules["mmap"] = nosigbus
    try:
        from test import test_mmap
    except ImportError as error:
        print("skipped:", error)
        sys.exit(77)
    assert test_mmap.mmap is nosigbus
    return test_mmap


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def renamed(test):
    """The test, which finds the renamed class in the module."""
    run = test.run

    def run_renamed(result=None):
        original = nosigbus.mmap
        nosigbus.mmap = RenamedMmap
        try:
            return run(result)
        finally:
            nosigbus.mmap = original

    test.run = run_renamed
    return test


def main():
    test_mmap = load()
    selected, excluded = unittest.TestSuite(), []
    for test in cases(unittest.defaultTestLoader.loadTestsFromModule(test_mmap)):
        name = test.id().rsplit(".", 1)[-1]
        if name in EXCLUDED:
            excluded.append(name)
        else:
            selected.addTest(renamed(test) if name == "test_repr" else test)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        result = unittest.TextTestRunner(verbosity=2).run(selected)
        os.chdir("/")
    bad = len(result.failures) + len(result.errors)
    passed = result.testsRun - bad - len(result.skipped)
    for name in excluded:
        print(f"excluded: {name}: {EXCLUDED[name]}")
    print(f"{passed} passed, {bad} failed, {len(result.skipped)} skipped by CPython, {len(excluded)} excluded")
    sys.exit(0 if result.wasSuccessful() and passed > 0 else 1)


if __name__ == "__main__":
    main()
