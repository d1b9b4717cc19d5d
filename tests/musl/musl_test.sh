#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# C programs with musl absorb and stop as those with glibc do, and die of all else.
#
# musl_test.sh MUSL_GCC ARCHIVE SYMBOL_MAP HEADER_DIR CONSUMER DEATHS WORK_DIR MISUSE
#   CONSUMER, DEATHS: their sources. MISUSE: the signal of which a write to what may only be read dies, BUS; SEGV in a port
#   that cannot tell a write (tests/support/fault_context.h).
set -euo pipefail

cc=$1 archive=$2 symbol_map=$3 headers=$4 consumer=$5 deaths=$6 work=$7 misuse=$8
strict=(-std=c11 -Wall -Wextra -pedantic -Werror -I "$headers")
failures=0
rm -rf "$work"
mkdir -p "$work"

# expect WANTED COMMAND...: its exit status, 128 and the signal where one killed it.
expect() {
  local wanted=$1 status=0
  shift
  ("$@") >/dev/null 2>&1 || status=$?
  [ "$status" -ne "$wanted" ] || return 0
  failures=$((failures + 1))
  echo "FAILED: $*: $status, not $wanted"
}

bus=$((128 + $(kill -l BUS))) segv=$((128 + $(kill -l SEGV)))
check_programs() {
  expect 0 "$work/consumer-$1"
  expect "$bus" "$work/deaths-$1" read
  expect $((128 + $(kill -l "$misuse"))) "$work/deaths-$1" write
  expect "$bus" "$work/deaths-$1" sent
  expect "$segv" "$work/deaths-$1" wild
  expect 42 "$work/deaths-$1" handler
  echo "$1: checked"
}

build_programs() {
  local kind=$1
  shift
  "$cc" "${strict[@]}" "$consumer" -o "$work/consumer-$kind" "$@"
  "$cc" "${strict[@]}" "$deaths" -o "$work/deaths-$kind" "$@"
}

build_programs static "$archive" -static
check_programs static

# Of the whole archive, as the library is linked itself.
"$cc" -shared -o "$work/libnosigbus.so" -Wl,--whole-archive "$archive" -Wl,--no-whole-archive \
  -Wl,-z,now,-z,nodelete,-z,relro,-z,noexecstack -Wl,--version-script="$symbol_map" -Wl,--no-undefined
build_programs shared -L "$work" -lnosigbus -Wl,-rpath,"$work"
check_programs shared

if readelf -dW "$work/deaths-shared" "$work/libnosigbus.so" | grep 'NEEDED.*libc\.so\.6'; then
  echo "FAILED: that is glibc"
  failures=$((failures + 1))
fi
[ "$failures" -eq 0 ]
