#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# By the seed: the harness over a copy finds nothing; the one with somebody on the other side finds the double fetch;
# and nothing in the reader that reads once. Numbers of runs, and no time, so that a slow machine finds the same.
#
# search_test.sh CLANG++ INCLUDE_DIR LIBNOSIGBUS_A WORK_DIR. Exits 77 (skipped) where there is no libFuzzer.
set -euo pipefail

clangxx=$1 include=$2 library=$3 work=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
flags=(-std=c++20 -O1 -g -Wall -Wextra -Werror "-fsanitize=fuzzer,address,undefined" -I "$include")
mkdir -p "$work"
cd "$work"

if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
  "$clangxx" -x c++ -fsanitize=fuzzer,address - -o probe 2>/dev/null; then
  echo "no libFuzzer here (libclang-rt-14-dev)"
  exit 77
fi

# build NAME HARNESS [FLAG...]
build() {
  local name=$1 harness=$2
  shift 2
  "$clangxx" "${flags[@]}" "$@" "$here/$harness" "$here/message.cpp" "$library" -o "$name"
}
build copy copy_fuzz.cpp
build shared shared_fuzz.cpp
build fixed shared_fuzz.cpp -DMESSAGE_READ_ONCE

# search NAME SEED RUNS: exits as libFuzzer does, with what it found in NAME.SEED/.
search() {
  rm -rf "$1.$2"
  mkdir "$1.$2"
  "./$1" -seed="$2" -runs="$3" -artifact_prefix="$1.$2/found-" "$1.$2" "$here/seeds" >"$1.$2.log" 2>&1
}

for seed in 1 2 3; do
  if search shared "$seed" 2000000; then
    echo "seed $seed: not found"
    exit 1
  fi
  grep '^SUMMARY: AddressSanitizer: \(heap-buffer-overflow\|use-after-poison\)' "shared.$seed.log"
  # Always the same, whoever looks again.
  for _ in 1 2 3; do
    if ./shared "shared.$seed"/found-* 2>again.log; then
      echo "seed $seed: not found again"
      exit 1
    fi
    grep -q '^SUMMARY: AddressSanitizer' again.log
  done
  ./fixed "shared.$seed"/found-* 2>/dev/null
done
search copy 1 1000000
search fixed 1 50000
echo "found with somebody on the other side, and only there"
