# SPDX-License-Identifier: MIT
"""Of scripts/coverage: sums up what llvm-cov says, and compares it with what may be unreached.

coverage.py ROOT BUILD [--any]: BUILD holds lines.lcov and branches.json. --any: whatever may be unreached.
"""

import collections
import json
import os
import sys

CHECKED = "src/inside/"
SHOWN = ("src/", "arch/", "tools/")


def relative(root, path):
    return os.path.relpath(os.path.realpath(os.path.join(root, path)), root)


def read_lines(root, path):
    """{(file, line): reached}: of all copies of a line, in templates and programs, one is enough."""
    lines = {}
    with open(path, encoding="utf-8") as report:
        for row in report:
            row = row.rstrip("\n")
            if row.startswith("SF:"):
                name = relative(root, row[3:])
            elif row.startswith("DA:"):
                line, count = row[3:].split(",")[:2]
                key = (name, int(line))
                lines[key] = lines.get(key, False) or int(count) > 0
    return lines


def read_branches(root, path):
    """{(file, line, column): [true reached, false reached]}"""
    branches = {}
    with open(path, encoding="utf-8") as report:
        files = json.load(report)["data"][0]["files"]
    for each in files:
        name = relative(root, each["filename"])
        for line, column, _, _, true, false, *_ in each["branches"]:
            seen = branches.setdefault((name, line, column), [False, False])
            seen[0] |= true > 0
            seen[1] |= false > 0
    return branches


def table(lines, branches):
    rows = collections.defaultdict(lambda: [0, 0, 0, 0])
    for (name, _), reached in lines.items():
        for row in (rows[os.path.dirname(name)], rows[name]):
            row[0] += reached
            row[1] += 1
    for (name, _, _), seen in branches.items():
        for row in (rows[os.path.dirname(name)], rows[name]):
            row[2] += sum(seen)
            row[3] += 2

    def part(reached, of):
        return f"{reached:5d} of {of:5d} {100 * reached / of:5.1f} %" if of else f"{'-':>22}"

    print(f"{'':46} {'lines':>22}  {'branches':>22}")
    for name in sorted(rows):
        if name.startswith(SHOWN):
            indent = "" if "." not in os.path.basename(name) else "  "
            print(f"{indent + name:46} {part(*rows[name][:2])}  {part(*rows[name][2:])}")


def unreached(root, lines, branches):
    """[(file, text of the line, what)] of the checked folder, one for each line."""
    found = []
    for name in sorted({file for file, _ in lines if file.startswith(CHECKED)}):
        with open(os.path.join(root, name), encoding="utf-8") as source:
            text = source.read().split("\n")
        for number, line in enumerate(text, 1):
            sides = [seen for (file, at, _), seen in sorted(branches.items()) if file == name and at == number]
            if lines.get((name, number)) is False:
                found.append((name, number, line.strip(), "not reached"))
            elif any(not all(seen) for seen in sides):
                missing = ", ".join(
                    f"condition {i + 1} never {'true' if not seen[0] else 'false'}"
                    for i, seen in enumerate(sides)
                    if not all(seen)
                )
                found.append((name, number, line.strip(), missing))
    return found


def read_arguments(path):
    """{(file, text of a line): reached by luck}: paragraphs of such lines, with the reason indented below them."""
    listed = {}
    with open(path, encoding="utf-8") as arguments:
        for row in arguments:
            if row.strip() and not row[0].isspace() and not row.startswith("#"):
                name, text = row.rstrip("\n").removeprefix("? ").split(": ", 1)
                listed[name, text] = row.startswith("? ")
    return listed


def has_line(root, name, text):
    with open(os.path.join(root, name), encoding="utf-8") as source:
        return any(line.strip() == text for line in source)


def main(root, build, any_may_be=False):
    root = os.path.realpath(root)
    lines = read_lines(root, os.path.join(build, "lines.lcov"))
    branches = read_branches(root, os.path.join(build, "branches.json"))
    table(lines, branches)
    if any_may_be:
        return 0
    listed = read_arguments(os.path.join(root, "tests/coverage/unreached.txt"))
    found = unreached(root, lines, branches)
    bad = [each for each in found if (each[0], each[2]) not in listed]
    for name, number, text, what in bad:
        print(f"{name}:{number}: {what}: {text}")
    # A line may stand twice in its file, and be reached in one place.
    unfound = [each for each in listed if each not in {(name, text) for name, _, text, _ in found}]
    stale = [each for each in unfound if not (listed[each] and has_line(root, *each))]
    for name, text in stale:
        print(f"tests/coverage/unreached.txt: {name}: {text}: reached, or no longer there")
    print(f"{CHECKED}: {len(bad)} lines unreached without a reason, {len(found) - len(bad)} with one")
    return 1 if bad or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], "--any" in sys.argv[3:]))
