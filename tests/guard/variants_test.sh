#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Guards that are part of their callers, in every way that compilers build these.
#
# variants_test.sh CXX INCLUDE_DIR LIBRARY_DIR WORK_DIR [EMULATOR ARG...]
#   LIBRARY_DIR: contains libnosigbus.so and libnosigbus.a. EMULATOR: runs programs of another processor.
set -euo pipefail
shopt -s inherit_errexit

cxx=$1 include=$2 libraries=$3 work=$4
emulator=("${@:5}")
source=$(dirname "${BASH_SOURCE[0]}")
built=0 failures=0
mkdir -p "$work"

# program FLAG...: builds and runs it.
program() {
  built=$((built + 1))
  if ! "$cxx" -std=c++20 -Wall -Wextra -Werror -I "$include" "$source/pressure.cpp" -o "$work/program" "$@" \
    "-Wl,-rpath,$libraries"; then
    echo "FAILED to build: $*"
  elif "${emulator[@]}" "$work/program"; then
    return 0
  else
    echo "FAILED with $?: $*"
  fi
  failures=$((failures + 1))
}

# accepts FLAG...: whether a program can be built with it.
accepts() { echo 'int main() {}' | "$cxx" -Werror -x c++ - -o "$work/probe" "$@" 2>/dev/null; }
# program_if FLAG...: where the compiler knows it.
program_if() { if accepts "$@"; then program "$@" "${shared[@]}"; fi; }

shared=("$libraries/libnosigbus.so") static=("$libraries/libnosigbus.a" -pthread)

for level in -O0 -O1 -O2 -O3 -Os; do
  program "$level" "${shared[@]}"
  program "$level" -fno-omit-frame-pointer "${shared[@]}"
  program "$level" -fPIC "${shared[@]}"
done
program -O2 -fno-pic -no-pie "${shared[@]}"
program -O2 -static "${static[@]}"
program -O2 -DNOSIGBUS_PORTABLE "${shared[@]}"
program -O2 -DNOSIGBUS_CHECKS "${shared[@]}"
program_if -O2 -fnon-call-exceptions
program_if -O2 -fcf-protection=full
program_if -O2 -mbranch-protection=standard
program_if -O2 -fstack-protector-all -fstack-clash-protection
program_if -O3 -mavx2 -funroll-loops
program_if -O2 -fsanitize=undefined
# The stack of a function is elsewhere, or has a base of its own.
[ ${#emulator[@]} -gt 0 ] || program_if -O1 -fsanitize=address
lto=(-O2 -flto)
"$cxx" --version | grep -q clang && lto+=(-fuse-ld=lld)
program_if "${lto[@]}"

echo "$built programs, $failures failed"
[ "$failures" -eq 0 ]
