# SPDX-License-Identifier: MIT
"""scripts/check-abi finds what breaks programs, and lets pass what does not.

Each case is a copy of the baselines in which the last release was another, so that the build has changed against it.

changes_test.py SOURCE_DIR BUILD_DIR MACHINE
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD, MACHINE = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
CORE = f"abi/{MACHINE}/libnosigbus.so.abi"
SYMBOLS = "debian/libnosigbus0.symbols"
MEMBER = r"      <data-member.*?</data-member>\n"
OFFSET = r"(?<=layout-offset-in-bits=')\d+"
SIZE = r"(?<=size-in-bits=')\d+"


def smaller(name, member):
    """The structure without one of its members, the first (0) or the last (-1): it has grown by that since."""

    def edit(text):
        whole = re.search(rf"    <class-decl name='{name}'.*?</class-decl>\n", text, re.S).group()
        members = re.findall(MEMBER, whole, re.S)
        offsets = [int(re.search(OFFSET, each).group()) for each in members] + [int(re.search(SIZE, whole).group())]
        width = offsets[member + 1] if member == 0 else offsets[-1] - offsets[-2]
        cut = whole.replace(members[member], "")
        if member == 0:
            cut = re.sub(OFFSET, lambda offset: str(int(offset.group()) - width), cut)
        return text.replace(whole, re.sub(SIZE, lambda size: str(int(size.group()) - width), cut, count=1))

    return edit


def replaced(pattern, text):
    return lambda before: re.sub(pattern, text, before)


CASES = [  # what has changed since, the file that tells of before, how it was; whether it is found
    ("a structure that programs size has grown at its end", CORE, smaller("nosigbus_stats", -1), False),
    ("a structure that the library makes has grown at its end", CORE, smaller("nosigbus_event", -1), False),
    ("a function is new", CORE, replaced(r" *<elf-symbol name='nosigbus_adopt'.*\n", ""), False),
    ("a structure that programs size has grown in front", CORE, smaller("nosigbus_stats", 0), True),
    ("a structure within others has grown", CORE, smaller("nosigbus_fault", -1), True),
    ("a number has changed", CORE, replaced("'NOSIGBUS_EOF' value='2'", "'NOSIGBUS_EOF' value='9'"), True),
    ("a function is gone", CORE, replaced("(elf-symbol name='nosigbus_check)'", r"\1ed'"), True),
    ("Debian does not know a function", SYMBOLS, replaced(" nosigbus_adopt@.*\n", ""), True),
    ("Debian knows a function that is gone", SYMBOLS, replaced(" (nosigbus_adopt)(@.*)\n", r" \1\2\n \1ed\2\n"), True),
]

failures = 0
for what, file, edit, found in [("nothing has changed", CORE, None, False), *CASES]:
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        for part in ("abi", "debian", "scripts"):
            shutil.copytree(SOURCE / part, tree / part)
        shutil.copy(SOURCE / "CMakeLists.txt", tree)
        if edit:
            before = (tree / file).read_text()
            after = edit(before)
            assert after != before, what
            (tree / file).write_text(after)
        check = subprocess.run([tree / "scripts/check-abi", BUILD], capture_output=True, text=True)
    if (check.returncode != 0) != found:
        failures += 1
        print(f"FAILED: {what}: exit status {check.returncode}\n{check.stdout}{check.stderr}")
print(f"{len(CASES) + 1} cases, {failures} failed")
sys.exit(failures != 0)
