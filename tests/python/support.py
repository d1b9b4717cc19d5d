# SPDX-License-Identifier: MIT
"""Files that are cut off, and children that may die of it."""

import contextlib
import ctypes
import faulthandler
import mmap
import os
import resource
import signal
import tempfile
import traceback

PAGE = mmap.PAGESIZE

# A slow machine has as many times as long.
PATIENCE = int(os.environ.get("NOSIGBUS_TEST_PATIENCE", "1"))


def pattern(size):
    """No byte is 0 or a newline, and none is what it would be a page further on."""
    return bytes(11 + (i * 7 + i // PAGE) % 240 for i in range(size))


@contextlib.contextmanager
def file_of(data):
    """A file with this content, open for reading and writing."""
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        yield file


class Outcome:
    """How a child ended: exited(0) is good, 1 an exception, which it printed."""

    def __init__(self, status):
        self.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        self.code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None

    def __eq__(self, other):
        return (self.signal, self.code) == (other.signal, other.code)

    def __repr__(self):
        return f"killed by {signal.Signals(self.signal).name}" if self.signal else f"exited with {self.code}"


GOOD = Outcome(0)


def killed_by(number):
    return Outcome(int(number))


def in_child(function, *arguments, seconds=20):
    """Runs it in a forked process. It may use nosigbus: this one does not, so nothing is installed there."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        faulthandler.disable()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds * PATIENCE)
        code = 1
        try:
            function(*arguments)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return Outcome(os.waitpid(child, 0)[1])


@contextlib.contextmanager
def other_process(function, *arguments):
    """Runs it in another process for as long as the block takes, at most. It ends with this one, too."""
    child = os.fork()
    if child == 0:
        try:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            function(*arguments)
        finally:
            os._exit(0)
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def vmas():
    with open("/proc/self/maps", "rb") as maps:
        return sum(1 for _ in maps)


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def full_filesystem():
    """For a child: the folder of a full tmpfs, in a mount namespace of its own. None: not permitted."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_namespace = 0x00020000
    if libc.unshare(new_namespace) != 0:
        return None
    libc.mount(None, b"/", None, 0x4000 | 0x40000, None)  # MS_REC | MS_PRIVATE: nobody else sees it
    folder = tempfile.mkdtemp()
    size = f"size={8 * PAGE}".encode()
    return folder if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, size) == 0 else None
