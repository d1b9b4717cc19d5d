#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# sanitized_fuzz.cpp below libFuzzer and one sanitizer, or none.
#
# sanitizers_test.sh CLANG++ INCLUDE_DIR WORK_DIR SANITIZER|none. Exits 77 (skipped) where there is no such runtime.
set -euo pipefail

clangxx=$1 include=$2 work=$3 sanitizer=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$work"
cd "$work"

sanitize=fuzzer
[ "$sanitizer" = none ] || sanitize=fuzzer,$sanitizer
if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
  "$clangxx" -x c++ "-fsanitize=$sanitize" - -o "probe-$sanitizer" 2>/dev/null; then
  echo "no libFuzzer with $sanitizer here (libclang-rt-14-dev)"
  exit 77
fi
"$clangxx" -std=c++20 -O1 -g -Wall -Wextra -Werror "-fsanitize=$sanitize" -I "$include" "$here/sanitized_fuzz.cpp" \
  -o "fuzz-$sanitizer"

# A sanitizer's shadow memory wants fixed addresses, of which much randomisation takes some.
run=()
setarch "$(uname -m)" -R true 2>/dev/null && run=(setarch "$(uname -m)" -R)

# dies MISTAKE REPORT: by a report of this form.
dies() {
  printf 'some content\0' >"input-$sanitizer"
  if MISTAKE=$1 "${run[@]}" "./fuzz-$sanitizer" "input-$sanitizer" >"report-$sanitizer" 2>&1; then
    echo "survived: $1"
    exit 1
  fi
  grep -E "$2" "report-$sanitizer" || { cat "report-$sanitizer"; exit 1; }
}

"${run[@]}" "./fuzz-$sanitizer" -seed=1 -runs=1000 -max_len=300 -len_control=0 2>&1 | tail -n 3
dies null 'SEGV on unknown address|deadly signal'
[ "$sanitizer" != address ] || dies 'behind the end' 'use-after-poison'
