# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced by scripts/update-docs: measured figures stand in blocks that it makes, and nowhere else. $root is the source.
root=${root:?}

# FILE|TEXT|SOURCE|LINE: numbers of a document that are none of a measurement, but a constant: LINE stands in SOURCE. TEXT is
# on one line of FILE. Constants that look like figures have to be here; others may, so that they are compared.
constants() {
  cat <<'EOT'
docs/decisions-drop-in.md|200 ms (`src/preload/inside/calls.h`|src/preload/inside/calls.cpp|patience = 200'000'000
docs/decisions-drop-in.md|until its callers are known, 200 ms at most|src/preload/inside/diary.cpp|limit{0, 200'000'000}
docs/decisions.md|takes 64 looks at the flip|src/inside/region_facts.cpp|looks < 64
docs/decisions.md|the 64 looks take a millisecond each|src/inside/region_facts.cpp|looks < 64
docs/decisions.md|keeps 17 mappings of one page|src/preload/inside/spare_mappings.cpp|mappings = 17
docs/design.md|asked up to 64 times|src/inside/region_facts.cpp|looks < 64
docs/drop-in.md|a thread looks every 50 ms|src/preload/inside/healer.cpp|period = 50'000'000
docs/drop-in.md|each 50 ms where|src/preload/inside/healer.cpp|period = 50'000'000
docs/drop-in.md|17 small mappings more|src/preload/inside/spare_mappings.cpp|mappings = 17
docs/peers.md|less than 95 % of the time|bench/peers/works.cpp|even = 0.95
docs/peers.md|keeps 64 addresses|bench/peers/handlers.cpp|kept = 64
docs/protocol.md|64 looks in `decide`|src/inside/region_facts.cpp|looks < 64
docs/protocol.md|system calls: 64 looks in `decide`, one for each doubling in `supplied_behind` and `first_missing`, 16 in|src/inside/refresh.cpp|most_looks = 16
docs/security.md|64 ms of the thread that reads|src/inside/region_facts.cpp|looks < 64
docs/security.md|for 64 milliseconds at most|src/inside/region_facts.cpp|looks < 64
docs/security.md|look at the file 64 times at most|src/inside/region_facts.cpp|looks < 64
docs/security.md|looks every 50 ms|src/preload/inside/healer.cpp|period = 50'000'000
docs/security.md|to name the code, 200 ms at most|src/preload/inside/diary.cpp|limit{0, 200'000'000}
docs/security.md|one part for each mapping, 4096 of them|src/preload/journal.h|capacity = 4096
docs/security.md|1024; those for which somebody|src/wayland/view.cpp|most_kept = 1024
docs/wayland.md|the others soon after (64 in a millisecond)|src/wayland/healing.cpp|most_at_once = 64
docs/wayland.md|keep 1024 of them|src/wayland/view.cpp|most_kept = 1024
EOT
}

# measured_in FILE...: each line of prose, below $root, that has what only a measurement tells, as FILE:LINE: WHAT.
measured_in() {
  local file
  for file in "$@"; do
    ALLOWED=$(constants | awk -F '|' -v file="$file" '$1 == file { print $2 }') awk -v file="$file" '
      BEGIN {
        many = split(ENVIRON["ALLOWED"], allowed, "\n")
        number = "(^|[^A-Za-z0-9_.^-])[0-9][0-9.,]*"
        some = "(faults|executions|chains|functions|runs|tries|starts|scenarios)"
        end = "([^A-Za-z0-9_]|$)"
        count = split( \
          number "( ?(ns|µs|ms|nanoseconds?|microseconds?|milliseconds?|cycles|%)|us|×)" end ";" \
          number " ?[×x] (faster|slower);" \
          number " times (as|faster|slower|less|more|longer|a|the)( |$);" \
          number "[0-9]*[.][0-9]+ ?(s|seconds|minutes|hours|[KMGT]i?B)" end ";" \
          number " ?(M|million|thousand) " some end ";" \
          number ",[0-9][0-9][0-9] " some end ";" \
          number "[0-9][0-9][0-9][0-9] " some end ";" \
          number "( times)? (in|of) [0-9]+ " some end ";" \
          ", (ns|µs|ms)( [|]|$);" \
          "(a|one|two|some) (nano|micro)seconds?" end ";" \
          "(geometric mean|at worst|at best|median)[^|]*[0-9][.][0-9];" \
          "[0-9][.][0-9][^|]*(geometric mean|at worst|at best)", patterns, ";")
      }
      # What is between marks has a maker; what is quoted as code is looked at by tests/documentation.
      /^<!-- \// { made = 0; next }
      /^<!-- (compile: .*|run: .*|prints) -->$/ { next }
      /^<!-- / { made = 1; next }
      /^```/ { code = !code; next }
      made || code { last = ""; next }
      {
        text = $0
        for (i = 1; i <= many; ++i)
          while (allowed[i] != "" && (at = index(text, allowed[i])) > 0)
            text = substr(text, 1, at - 1) substr(text, at + length(allowed[i]))
        sub(/^[[:blank:]]*/, "", text)
        # A number may stand on the line in front of its unit.
        text = last text
        last = ""
        for (i = 1; i <= count; ++i)
          if (match(text, patterns[i])) {
            what = substr(text, RSTART, RLENGTH)
            sub(/^[^A-Za-z0-9]+/, "", what)
            print file ":" NR ": measured, and in no block: " what
            next
          }
        words = split(text, word, " ")
        if (words > 1 && word[words - 1] word[words] ~ /[0-9]/) last = word[words - 1] " " word[words] " "
        else if (word[words] ~ /[0-9]/) last = word[words] " "
      }' "$root/$file"
  done
}

# changed_constants: the rows of `constants` that are not true any more.
changed_constants() {
  local file text source line
  while IFS='|' read -r file text source line; do
    grep -qF -e "$text" "$root/$file" || echo "$file: does not say '$text', as scripts/lib/prose.sh expects"
    grep -qF -e "$line" "$root/$source" || echo "$file: '$text': $source has no '$line'"
  done < <(constants)
}

measured_prose() {
  local files
  mapfile -t files < <(cd "$root" && find README.md docs examples -name '*.md' | sort)
  measured_in "${files[@]}"
  changed_constants
}
