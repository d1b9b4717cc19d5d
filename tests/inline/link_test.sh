#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Programs that use inline operations, in every way that compilers and linkers put them together.
#
# link_test.sh CXX INCLUDE_DIR LIBRARY_DIR WORK_DIR [EMULATOR ARG...]
#   LIBRARY_DIR: contains libnosigbus.so and libnosigbus.a. EMULATOR: runs programs of another processor.
set -euo pipefail
shopt -s inherit_errexit

cxx=$1 include=$2 libraries=$3 work=$4
emulator=("${@:5}")
source=$(dirname "${BASH_SOURCE[0]}")
built=0 failures=0
mkdir -p "$work"

compile() { "$cxx" -std=c++20 -Wall -Wextra -Werror -I "$include" "$@"; }

# program WHAT FLAG...: builds and runs it; the flags are the compiler's and the linker's.
program() { linked "$1" "$source/link_a.cpp" "$source/link_b.cpp" "${@:2}"; }

# objects NAME FLAG...: the program's, for all linkers.
objects() {
  local half
  for half in a b; do compile -c "$source/link_$half.cpp" -o "$work/$1_$half.o" "${@:2}"; done
}

# linked WHAT FLAG...: links and runs it.
linked() {
  local what=$1
  shift
  built=$((built + 1))
  if ! compile -o "$work/program" "$@" "-Wl,-rpath,$libraries"; then
    echo "FAILED to build: $what"
  elif "${emulator[@]}" "$work/program"; then
    return 0
  else
    echo "FAILED with $?: $what"
  fi
  failures=$((failures + 1))
}

# accepts FLAG...: whether a program can be built with it.
accepts() { echo 'int main() {}' | "$cxx" -x c++ - -o "$work/probe" "$@" 2>/dev/null; }

linkers=()
for linker in bfd gold lld; do
  if accepts -fuse-ld="$linker"; then linkers+=("$linker"); fi
done
shared=("$libraries/libnosigbus.so") static=("$libraries/libnosigbus.a" -pthread)

for level in -O0 -O1 -O2 -O3 -Os; do
  program "$level" "$level" "${shared[@]}"
done
program 'position-dependent' -O2 -fno-pic -no-pie "${shared[@]}"
program 'by calls' -O2 -DNOSIGBUS_PORTABLE "${shared[@]}"
program 'nothing but position-independent' -O2 -fPIC "${shared[@]}"
for protection in -fcf-protection=full -mbranch-protection=standard; do
  if accepts "$protection"; then program "$protection" -O2 "$protection" "${shared[@]}"; fi
done
objects whole -O2
objects parts -O2 -ffunction-sections -fdata-sections
for linker in "${linkers[@]}"; do
  whole=("$work"/whole_{a,b}.o "-fuse-ld=$linker") parts=("$work"/parts_{a,b}.o "-fuse-ld=$linker" "-Wl,--gc-sections")
  linked "$linker" "${whole[@]}" "${shared[@]}"
  linked "$linker, --gc-sections" "${parts[@]}" "${shared[@]}"
  linked "$linker, --gc-sections, archive" "${parts[@]}" "${static[@]}"
  linked "$linker, static" -static "${whole[@]}" "${static[@]}"
done
lto=(-O2 -flto)
# clang's objects for it are not for GNU ld.
"$cxx" --version | grep -q clang && lto+=(-fuse-ld=lld)
if [[ " ${lto[*]} " != *lld* || " ${linkers[*]} " == *lld* ]]; then
  program 'link-time optimisation' "${lto[@]}" "${shared[@]}"
  program 'link-time optimisation, --gc-sections' "${lto[@]}" -Wl,--gc-sections "${shared[@]}"
fi

# Without a use there is nothing to register and nothing to link.
for linker in "${linkers[@]}"; do
  for pic in -fPIE -fno-pic; do
    built=$((built + 1))
    pie=-pie
    [ "$pic" = -fPIE ] || pie=-no-pie
    if ! compile -O0 "$pic" "$pie" -fuse-ld="$linker" "$source/unused.cpp" -o "$work/unused" || ! "${emulator[@]}" "$work/unused"; then
      echo "FAILED: unused, $linker $pic"
      failures=$((failures + 1))
    fi
  done
done

echo "$built programs with ${linkers[*]}, $failures failed"
[ "$failures" -eq 0 ]
