# SPDX-License-Identifier: MIT
"""A Python program that uses an installed nosigbus: zeros in place of what was cut off, and the mapping tells."""

import os
import tempfile

import nosigbus

with tempfile.TemporaryFile(buffering=0) as file:
    size = 2 * nosigbus.PAGESIZE
    file.write(b"x" * size)
    mapping = nosigbus.mmap(file.fileno(), 0, access=nosigbus.ACCESS_READ)
    assert mapping[size - 1] == ord("x") and not mapping.faulted
    os.truncate(file.fileno(), nosigbus.PAGESIZE)
    assert mapping[0] == ord("x") and mapping[size - 1] == 0
    assert mapping.faulted and mapping.status().first_bad_offset == nosigbus.PAGESIZE
