# SPDX-License-Identifier: MIT
"""nosigbus's handler beside others: those of faulthandler and of Python scripts, before it and after it."""

import faulthandler
import mmap
import os
import signal
import tempfile
import threading
import unittest

import nosigbus
from nosigbus import Readiness
from support import GOOD, PAGE, file_of, in_child, killed_by, pattern

DATA = pattern(4 * PAGE)


def cut_mapping(kind=nosigbus.mmap):
    """A mapping of which all is missing."""
    with file_of(DATA) as file:
        mapping = kind(file.fileno(), 0, access=mmap.ACCESS_READ)
        file.truncate(0)
    return mapping


def read_buffer(mapping):
    assert bytes(memoryview(mapping)) == bytes(len(DATA))


class Installing(unittest.TestCase):
    def test_nothing_is_installed_until_it_is_needed(self):
        def scenario():
            assert nosigbus.check() is Readiness.NOT_INSTALLED
            nosigbus.mmap(-1, 10)
            nosigbus.last_fault(), nosigbus.stats()
            assert nosigbus.check() is Readiness.NOT_INSTALLED
            try:
                nosigbus.rearm()
            except OSError as error:
                assert error.errno == 2
            else:
                raise AssertionError
            mapping = cut_mapping()
            assert nosigbus.check() is Readiness.READY and nosigbus.stats().regions == 1
            read_buffer(mapping)
            assert nosigbus.stats().absorbed == nosigbus.stats().absorbed_by_region == 1
            try:
                nosigbus.uninstall()
            except OSError as error:
                assert error.errno == 16 and "mappings" in str(error)
            else:
                raise AssertionError
            mapping.close()
            nosigbus.uninstall()
            assert nosigbus.check() is Readiness.NOT_INSTALLED
            read_buffer(cut_mapping())

        self.assertEqual(in_child(scenario), GOOD)

    def test_safe_read_installs(self):
        def scenario():
            assert nosigbus.safe_read(cut_mapping(mmap.mmap)) == b""
            nosigbus.uninstall()
            assert nosigbus.safe_read(cut_mapping(mmap.mmap)) == b""

        self.assertEqual(in_child(scenario), GOOD)

    def test_a_blocked_signal_is_told(self):
        def scenario():
            nosigbus.install()
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGBUS})
            assert nosigbus.check() is Readiness.BLOCKED
            told = []
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGBUS})
            thread = threading.Thread(target=lambda: told.append(nosigbus.check()))
            thread.start()
            thread.join()
            assert told == [Readiness.READY]

        self.assertEqual(in_child(scenario), GOOD)

    def test_unknown_flags(self):
        self.assertRaises(OSError, nosigbus.install, 0x80)


class Faulthandler(unittest.TestCase):
    """It reports a SIGBUS and ends the process, unless it is not asked."""

    def run_with_report(self, scenario, expected):
        """What faulthandler wrote."""
        with tempfile.TemporaryFile() as report:
            self.assertEqual(in_child(scenario, report), expected)
            report.seek(0)
            return report.read().decode()

    def test_enabled_before(self):
        def scenario(report):
            faulthandler.enable(report)
            read_buffer(cut_mapping())

        self.assertEqual(self.run_with_report(scenario, GOOD), "")

    def test_enabled_after_it_is_in_front(self):
        def scenario(report):
            mapping = cut_mapping()
            faulthandler.enable(report)
            assert nosigbus.check() is Readiness.DISPLACED
            read_buffer(mapping)

        self.assertIn("Bus error", self.run_with_report(scenario, killed_by(signal.SIGBUS)))

    def test_enabled_after_and_rearmed(self):
        def scenario(report):
            mapping = cut_mapping()
            faulthandler.enable(report)
            nosigbus.rearm()
            assert nosigbus.check() is Readiness.READY
            read_buffer(mapping)

        self.assertEqual(self.run_with_report(scenario, GOOD), "")

    def test_the_next_mapping_rearms(self):
        def scenario(report):
            nosigbus.install()
            faulthandler.enable(report)
            assert nosigbus.check() is Readiness.DISPLACED
            read_buffer(cut_mapping())

        self.assertEqual(self.run_with_report(scenario, GOOD), "")

    def test_it_reports_what_is_not_ours(self):
        def before(report):
            faulthandler.enable(report)
            read_buffer(cut_mapping())
            read_buffer(cut_mapping(mmap.mmap))

        def after(report):
            read_buffer(cut_mapping())
            faulthandler.enable(report)
            nosigbus.rearm()
            read_buffer(cut_mapping())
            read_buffer(cut_mapping(mmap.mmap))

        for scenario in (before, after):
            with self.subTest(enabled=scenario.__name__):
                report = self.run_with_report(scenario, killed_by(signal.SIGBUS))
                self.assertEqual(report.count("Bus error"), 1)
                self.assertIn("read_buffer", report)

    def test_disabling_it_leaves_ours(self):
        def scenario(report):
            mapping = cut_mapping()
            faulthandler.enable(report)
            faulthandler.disable()
            assert nosigbus.check() is Readiness.READY
            read_buffer(mapping)

        self.assertEqual(self.run_with_report(scenario, GOOD), "")


class Scripts(unittest.TestCase):
    """signal.signal: a handler in Python, which is called when the interpreter gets to it."""

    def test_a_handler_before_gets_what_is_sent(self):
        def scenario():
            got = []
            signal.signal(signal.SIGBUS, lambda number, frame: got.append(number))
            read_buffer(cut_mapping())
            assert got == []
            os.kill(os.getpid(), signal.SIGBUS)
            assert got == [signal.SIGBUS]

        self.assertEqual(in_child(scenario), GOOD)

    def test_a_handler_after_and_rearmed(self):
        def scenario():
            got = []
            mapping = cut_mapping()
            signal.signal(signal.SIGBUS, lambda number, frame: got.append(number))
            nosigbus.rearm()
            read_buffer(mapping)
            os.kill(os.getpid(), signal.SIGBUS)
            assert got == [signal.SIGBUS]

        self.assertEqual(in_child(scenario), GOOD)

    def test_a_sent_signal_still_kills(self):
        def scenario():
            read_buffer(cut_mapping())
            os.kill(os.getpid(), signal.SIGBUS)

        self.assertEqual(in_child(scenario), killed_by(signal.SIGBUS))

    def test_a_child_of_fork_is_protected(self):
        def scenario():
            mapping = cut_mapping()
            child = os.fork()
            if child == 0:
                read_buffer(mapping)
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            read_buffer(mapping)

        self.assertEqual(in_child(scenario), GOOD)

    def test_an_interpreter_that_has_ended_takes_nothing_along(self):
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            self.skipTest("no module that makes interpreters")
        program = """if True:
            import os, tempfile, nosigbus
            file = tempfile.TemporaryFile(buffering=0)
            file.write(bytes(nosigbus.PAGESIZE))
            mapping = nosigbus.mmap(file.fileno(), 0)
            file.truncate(0)
            try:
                mapping[9] = 1
            except nosigbus.FaultError as error:
                assert error.offset == 9 and error.fault.access == "write", error.fault
            else:
                os._exit(9)
            """

        def scenario():
            exec(program, {})
            other = interpreters.create()
            interpreters.run_string(other, program)
            interpreters.destroy(other)
            exec(program, {})

        self.assertEqual(in_child(scenario), GOOD)


if __name__ == "__main__":
    unittest.main()
