# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced by scripts/update-docs, behind marks.sh and with prose.sh: with which command figures were measured, and whether what stands
# between marks is in order. $root is the source.
#
#   <!-- figures NAME: COMMAND -->
#   ...
#   <!-- /figures -->
root=${root:?}

# record PART COMMAND MACHINE: for `measured`, in docs/measured.txt.
record() {
  local file=$root/docs/measured.txt lines
  lines=$({ grep -v "^$1: " "$file" || true
    echo "$1: \`$2\`; $3"; } | sort)
  printf '%s\n' "$lines" >"$file"
}
# measured PART: with which command the figures were taken, and where.
measured() {
  sed -n "s/^$1: //p" "$root/docs/measured.txt"
}

# check_documents: prints what is wrong as FILE[:LINE]: WHAT. `parts` lists what is made.
check_documents() {
  local found
  found=$(cd "$root" && { broken_blocks; broken_pictures; measured_prose; })
  [ -n "$found" ] || return 0
  printf '%s\n' "$found"
  return 1
}

# Each mark that closes has one that opens, and the other way round; those of figures name the part that makes them, which
# writes this file.
broken_blocks() {
  local file
  for file in README.md docs/*.md; do
    awk -v file="$file" -v parts="$(parts)" '
      BEGIN {
        count = split(parts, lines, "\n")
        for (i = 1; i <= count; ++i) {
          split(lines[i], fields, "|")
          sub(/[*]$/, "", fields[1])
          writes[fields[1]] = " " fields[3] " "
        }
      }
      function wrong(what) { print file ":" NR ": " what }
      /^<!-- figures/ {
        if (open != "") wrong("a block within a block")
        open = "figures"; opened = NR; empty = 1
        if (!match($0, /^<!-- figures [a-z_-]+: scripts\/update-docs [a-z-]+ -->$/)) wrong("not a mark of a block: " $0)
        part = $(NF - 1)
        if (!(part in writes)) wrong("no part " part " of scripts/update-docs")
        else if (!index(writes[part], " " file " ")) wrong("part " part " does not write " file)
        next
      }
      /^<!-- \/[a-z_ -]+ -->$/ {
        name = substr($0, 7, length - 10)
        if (name == "figures" && open == "") wrong("nothing to close")
        if (name == "figures" && empty) wrong("an empty block")
        if (name == "figures") open = ""
        else if (!(name in marks)) wrong("nothing to close")
        else delete marks[name]
        next
      }
      # Of tests/documents: a code block follows, and ends by itself.
      /^<!-- (compile: .*|run: .*|prints) -->$/ { next }
      /^<!-- [a-z_ -]+(: .*)? -->$/ { sub(/(: .*)? -->$/, ""); marks[substr($0, 6)] = NR; next }
      /[^[:blank:]]/ { empty = 0 }
      END {
        if (open != "") { NR = opened; wrong("a block that does not end") }
        for (name in marks) { NR = marks[name]; wrong("a block that does not end: " name) }
      }' "$file"
  done
}

# Each picture that is shown is there, and each that is there is made by a part.
broken_pictures() {
  local file line path outputs
  outputs=$(parts | sed 's/.*|//' | tr ' ' '\n')
  while IFS=: read -r file line path; do
    path=$(realpath -m --relative-to=. "$(dirname "$file")/$path")
    [ -e "$path" ] || echo "$file:$line: no $path"
    grep -qxF "$path" <<<"$outputs" || echo "$file:$line: no part of scripts/update-docs makes $path"
  done < <(grep -noE '!\[[^]]*\]\([^)]*\)' README.md docs/*.md | sed -E 's/^([^:]*:[0-9]*:).*\(([^)]*)\)$/\1\2/')
  for path in docs/*.svg docs/*.png; do
    grep -qxF "$path" <<<"$outputs" || echo "$path: no part of scripts/update-docs makes it"
  done
}
