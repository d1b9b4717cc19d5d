# SPDX-License-Identifier: MIT
"""The programs of the manual run, and print what it says that they print."""

import re
import subprocess
import sys
import tempfile

with open(sys.argv[1]) as file:
    manual = file.read()
try:
    import numpy  # noqa: F401
except ImportError:
    print("skipped: no numpy (python3-numpy)")
    sys.exit(77)

programs = re.findall(r"```python\n(.*?)```\n+(?:It prints:\n+```text\n(.*?)```)?", manual, re.DOTALL)
assert programs
for program, expected in programs:
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=60)
    print(result.stdout, result.stderr)
    assert result.returncode == 0 and (not expected or result.stdout == expected), (program, result)
print(len(programs), "programs")
