# SPDX-License-Identifier: MIT
"""Reads what `scripts/bench --peers --csv` wrote.

peers.py table CSV          Markdown
peers.py data CSV COLUMNS   for gnuplot: a line for each technique, tab-separated; COLUMNS: works, separated by `;`
"""

import csv
import sys

MISSING = "?"

TABLES = [
    ("Everything is there", ["read 4 KiB", "read 64 KiB", "read 8 MiB"]),
    (
        "Something is missing",
        ["one fault", "64 MiB cut off, a byte per page", "1 GiB cut off, a byte per page at random"],
    ),
    (
        "One more mapping of 8 MiB, made and taken away",
        [
            "attach and detach 8 MiB beside 1 mapping",
            "attach and detach 8 MiB beside 1000 mappings",
            "attach and detach 8 MiB beside 100000 mappings",
            "attach and detach 8 MiB beside 1000000 mappings",
        ],
    ),
    (
        "One fault beside other mappings",
        [
            "one fault beside 1 mapping",
            "one fault beside 1000 mappings",
            "one fault beside 100000 mappings",
            "one fault beside 1000000 mappings",
        ],
    ),
    (
        "Threads that read 64 KiB each; time for 64 KiB of all that were read",
        [f"read 64 KiB each by {n} thread{'s' if n > 1 else ''}" for n in (1, 2, 4, 8)],
    ),
    (
        "Threads that meet faults, each in mappings of its own; time for one fault of all that were met",
        [f"one fault each by {n} thread{'s' if n > 1 else ''}" for n in (1, 2, 4, 8)],
    ),
]


def read(path):
    """{work: {technique: (ns or None, whether it wins, why it was not measured)}}, ours first."""
    works = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            work, ours = row["name"].split(": ", 1)
            times = works.setdefault(work, {})
            not_measured = row["met"] if row["met"].startswith("n/a") else ""
            mine, time = (float(ns) if ns else None for ns in (row["ours_ns"], row["peer_ns"]))
            times[ours] = (mine, False, "" if mine is not None else not_measured)
            times[row["peer"]] = (time, row["met"] == "no", not_measured)
    return works


def techniques(works):
    names = dict.fromkeys(name for times in works.values() for name in times)
    return sorted(names, key=lambda name: not name.startswith("nosigbus "))


def text(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1)):
        if ns >= size or unit == "ns":
            return f"{ns / size:.3g} {unit}" if ns / size < 1000 else f"{ns / size:.0f} {unit}"


def cell(entry):
    if entry is None:
        return ""
    ns, wins, why = entry
    if ns is None:
        return why.removeprefix("n/a: ") if why == "n/a: dies" else "n/a"
    return f"{text(ns)}, **wins**" if wins else text(ns)


def short(titles):
    """Without what the titles of a table have in common."""
    if len(titles) < 2:
        return titles
    first = titles[0].split()
    common = 0
    while common < len(first) and all(title.split()[: common + 1] == first[: common + 1] for title in titles):
        common += 1
    return [" ".join(title.split()[common:]) for title in titles] if common > 2 else titles


def print_table(works):
    notes = {}
    for title, columns in TABLES:
        columns = [column for column in columns if column in works]
        if not columns:
            continue
        print(f"### {title}\n")
        print("| technique | " + " | ".join(short(columns)) + " |")
        print("| --- |" + " ---: |" * len(columns))
        for name in techniques(works):
            entries = [works[column].get(name) for column in columns]
            print(f"| {name} | " + " | ".join(map(cell, entries)) + " |")
            for entry in entries:
                if entry and entry[2] not in ("", "n/a: dies"):
                    notes[entry[2].removeprefix("n/a: ")] = None
        print()
    for note in notes:
        print(f"n/a: {note}.")


def print_data(works, columns):
    for name in techniques(works):
        entries = [works.get(column, {}).get(name) for column in columns]
        values = [MISSING if entry is None or entry[0] is None else f"{entry[0]:.3f}" for entry in entries]
        print("\t".join([name, *values]))


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "table":
        print_table(read(sys.argv[2]))
    elif len(sys.argv) == 4 and sys.argv[1] == "data":
        print_data(read(sys.argv[2]), sys.argv[3].split(";"))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
