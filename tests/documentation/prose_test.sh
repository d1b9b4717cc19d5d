#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# scripts/update-docs --check finds what only a measurement tells where no block makes it, and constants that have changed.
#
# prose_test.sh SOURCE_DIR
set -euo pipefail

source=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
# shellcheck source=../../scripts/lib/prose.sh
. "$source/scripts/lib/prose.sh"
failed=0
fail() {
  echo "FAILED: $*"
  failed=1
}

# found TEXT: how many figures are in a document of it.
found() {
  printf '%s\n' "$1" >"$root/document.md"
  measured_in document.md | wc -l
}

constants() { echo 'document.md|looks every 50 ms|source.cpp|period = 50'; }

measured=0
while read -r text; do
  [ "$(found "$text")" -eq 1 ] || fail "not found: $text"
  [ "$(found "| row | $text |")" -eq 1 ] || fail "not found in a table: $text"
  [ "$(found "- ${text% *}
  ${text##* }")" -eq 1 ] || fail "not found on two lines: $text"
  [ "$(found "<!-- figures a: scripts/update-docs b -->
$text
<!-- /figures -->")" -eq 0 ] || fail "found in a block: $text"
  [ "$(found "<!-- figures a: scripts/update-docs b -->
<!-- /figures -->
<!-- compile: c -->
$text")" -eq 1 ] || fail "not found behind a block: $text"
  measured=$((measured + 1))
done <<'EOT'
it takes 2 ns
it takes 2.5 ns
it takes 0.3 µs
it takes 15 microseconds
it takes 340 cycles
it takes 60 ms
it waits every 60 ms
it costs 3 %
it is 4 times as long
it needs 2.8 KiB
it met 100,000 faults
it met 3 million faults
EOT
for text in 'it is 1.5× that' '3 x faster' 'the geometric mean is 0.95' '1.03 at worst' '44 in 4000 tries' '44 times in 4000 tries' '| all of it, ns |' 'less than a nanosecond' \
  '2.5 seconds' '5us' \
  'it looks every 50 ms and takes 3 ns' 'it takes 3 ns and looks every 50 ms'; do
  [ "$(found "$text")" -eq 1 ] || fail "not found: $text"
  measured=$((measured + 1))
done

for text in 'a thread looks every 50 ms' 'pages of 4 KiB' 'at most 64 times' 'Linux 6.18' '2 × 3 + 1 = 7' 'a window of 1024x768' \
  'libwayland 1.21, at once' 'up to 2 KiB' '64 looks' '65 faults' '1 in 2^64' 'C++20' 'PulseAudio 16.1'; do
  [ "$(found "$text")" -eq 0 ] || fail "found, and not measured: $text"
done

# changed DOCUMENT SOURCE: whether that is told.
changed() {
  echo "$1" >"$root/document.md"
  echo "$2" >"$root/source.cpp"
  [ -n "$(changed_constants)" ]
}
if changed 'it looks every 50 ms' 'constexpr int period = 50;'; then fail 'a constant that is the same'; fi
changed 'it looks every 60 ms' 'constexpr int period = 50;' || fail 'a document that says something else'
changed 'it looks every 50 ms' 'constexpr int period = 60;' || fail 'a source that has something else'
echo "$measured figures"
exit "$failed"
