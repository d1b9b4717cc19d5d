# SPDX-License-Identifier: MIT
"""The stubs say what the module has: mypy's stubtest compares them."""

import subprocess
import sys
import tempfile

try:
    import mypy.stubtest  # noqa: F401
    import numpy  # noqa: F401
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

# mmap iterates by way of __getitem__; numpy's stubs leave out what numpy calls.
ALLOWED = r"""
nosigbus\.mmap\.__iter__
nosigbus\.memmap\.__array_wrap__
"""

with tempfile.TemporaryDirectory() as folder:
    with open(folder + "/allowed", "w") as file:
        file.write(ALLOWED)
    command = [sys.executable, "-m", "mypy.stubtest", "nosigbus", "--allowlist", folder + "/allowed", "--concise"]
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True)
print(result.stdout)
sys.exit(result.returncode)
