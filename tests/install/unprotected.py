# SPDX-License-Identifier: MIT
"""A program that knows nothing of nosigbus, and reads what has been cut off: SIGBUS, but below nosigbus-run."""

import mmap
import os

fd = os.memfd_create("buffer")
os.truncate(fd, 2 * mmap.PAGESIZE)
mapping = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
os.truncate(fd, mmap.PAGESIZE)
raise SystemExit(mapping[mmap.PAGESIZE])
