#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What the built library promises as a file: see each check. The machine is asked of the file itself.
#
# library_test.sh LIBRARY SYMBOL_MAP HEADER_DIR LIBC OBJECT...
#   OBJECT: all object files of the library. Without assembly among them, the library is the generic port's.
#
# libnosigbus-backtrace declares in backtrace.h, needs more than libc, and asks the loader inside the signal;
# libnosigbus-wayland declares in wayland.h, and needs libnosigbus and libwayland-server besides libc; libnosigbus has
# all other headers.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

library=$1 symbol_map=$2 headers=$3 libc=$4
shift 4
objects=("$@")
checks=0 failures=0
backtrace=0 wayland=0
case $library in
  *libnosigbus-backtrace*) backtrace=1 ;;
  *libnosigbus-wayland*) wayland=1 ;;
esac

# expect WHAT FOUND [WANTED]: FOUND is to be WANTED, or empty.
expect() {
  checks=$((checks + 1))
  [ "$2" != "${3:-}" ] || return 0
  failures=$((failures + 1))
  printf '%s\n' "FAILED: $1"
  diff <(printf '%s\n' "${3:-}") <(printf '%s\n' "$2") | sed -n 's/^</  wanted:/p; s/^>/  found: /p' || true
}

# Selecting nothing is no error.
select_lines() { grep "$@" || [ $? -eq 1 ]; }

# Undefined symbols by `nm`, without their version; weak ones (which may stay undefined) by `weak`.
undefined() { nm "$@" | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' | sort -u; }
weak() { nm "$@" | awk '$1 == "w" { sub(/@.*/, "", $2); print $2 }' | sort -u; }

needed_libraries() { readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort; }

needs_no_runtime_of_cpp() {
  expect 'needed libraries' "$(needed_libraries)" "$(printf '%s\n' libc.so.6 libnosigbus.so.0 libwayland-server.so.0)"
}

needs_libc_alone() {
  expect 'needed libraries' "$(needed_libraries)" libc.so.6
  local provided
  provided=$(nm -D --defined-only "$libc" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u)
  expect 'symbols that libc does not have' "$(comm -23 <(undefined -D "$library") <(printf '%s\n' "$provided"))"
  # Those that the compiler's start-up files bring along, and what only a program with AddressSanitizer has.
  expect 'weak symbols' "$(weak -D "$library" | select_lines -vE '^(__cxa_finalize|__gmon_start__|_ITM_.*|__asan_unpoison_memory_region)$')"
}

of_library() {
  case $backtrace$wayland in
    10) echo "$headers/backtrace.h" ;;
    01) echo "$headers/wayland.h" ;;
    00) find "$headers" -maxdepth 1 -name '*.h' ! -name backtrace.h ! -name wayland.h ;;
  esac
}

exports_what_it_declares() {
  local exported mapped declared
  exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
  mapped=$(sed -nE 's/^ *([a-z0-9_]+);$/\1/p' "$symbol_map" | sort)
  declared=$(of_library | xargs sed -nE '/^NOSIGBUS_API/s/^[^(]*\b(nosigbus_[a-z0-9_]+)(\(.*|$)/\1/p' | sort -u)
  expect 'exported symbols against the symbol map' "$exported" "$mapped"
  expect 'exported symbols against the public headers' "$exported" "$declared"
}

# Safe to be mapped into other people's processes and to be entered by a signal at any time.
dynamic_properties() {
  local dynamic
  dynamic=$(readelf -dW "$library")
  expect 'stack permissions' "$(readelf -lW "$library" | awk '$1 == "GNU_STACK" { print $7 }')" RW
  expect 'relocations in code' "$(select_lines TEXTREL <<<"$dynamic")"
  expect 'bound at start' "$(select_lines -cw BIND_NOW <<<"$dynamic")" 1
  expect 'never unloaded' "$(select_lines -cw NODELETE <<<"$dynamic")" 1
  expect 'thread-locals that are allocated late' "$(readelf -rW "$library" | select_lines -E 'DTPMOD|TLSDESC')"
  expect 'writable and executable segments' "$(readelf -lW "$library" | select_lines -E '^ +LOAD.* RWE ')"
}

has_assembly() { [[ " ${objects[*]} " == *.S.o\ * ]]; }

# Async-signal-safe by construction: what runs inside the signal can call nothing but what is reviewed
# with it, and the plain memory functions that the compiler emits by itself.
inside_calls_nothing_else() {
  local object of_port=
  # System calls, the way out, and arithmetic that the machine may not have.
  has_assembly || of_port='|syscall|__errno_location|_longjmp|__ctzdi2'
  # Takes no lock and may be called here: glibc's manual, "Dynamic Linker Introspection".
  [ $backtrace -eq 0 ] || of_port='|_dl_find_object'
  for object in "${objects[@]}"; do
    case $object in */inside/*) ;; *) continue ;; esac
    expect "foreign symbols in ${object##*/src/}" "$(undefined "$object" |
      select_lines -vE "^(_ZNK?8nosigbus.*|nosigbus_[a-z0-9_]+|memcpy|memset|memmove|_GLOBAL_OFFSET_TABLE_$of_port)\$")"
  done
}

# Joins ranges that follow each other: parts of a routine may have a description each.
joined() {
  local begin end from='' to=''
  while read -r begin end; do
    if [ "$begin" = "$to" ]; then
      to=$end
    else
      [ -z "$from" ] || echo "$from $to"
      from=$begin to=$end
    fi
  done
  echo "$from $to"
}

# How many of the ranges on standard input have all of [$1, $2).
described() {
  local begin end count=0
  while read -r begin end; do
    if ((0x$begin <= $1 && $2 <= 0x$end)); then count=$((count + 1)); fi
  done
  echo "$count"
}

# A fault, or a profiler's signal, at any instruction can be unwound from.
routines_have_unwind_information() {
  local covered routines routine start size name
  has_assembly || return 0
  covered=$(readelf --debug-dump=frames "$library" | sed -nE 's/.* FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+).*/\1 \2/p' |
    sort | joined)
  routines=$(for object in "${objects[@]}"; do
    case $object in *.S.o) nm "$object" | awk '$2 == "T" || $2 == "t" { print $3 }' | select_lines '^nosigbus_' ;; esac
  done)
  [ -n "$routines" ] || expect 'assembly routines' '' 'at least one'
  for routine in $routines; do
    read -r start size _ name < <(nm -S "$library" | awk -v name="$routine" '$4 == name') || true
    if [ "${name:-}" != "$routine" ]; then
      expect "size of $routine" '' 'a sized symbol in the library'
      continue
    fi
    expect "unwind information of $routine" "$(described "0x$start" $((0x$start + 0x$size)) <<<"$covered")" 1
  done
}

# Control-flow protection: the linker keeps the mark only when every input has it, the compiler's
# start-up files included.
control_flow_protection() {
  local wanted object start_up_files=()
  case $(readelf -hW "$library" | sed -n 's/ *Machine: *//p') in
    *X86-64) wanted='IBT, SHSTK' ;;
    AArch64) wanted='BTI' ;;
    *) return 0 ;;
  esac
  for object in "${objects[@]}"; do
    expect "protection of ${object##*/}" "$(protection "$object")" "$wanted"
  done
  for object in crti.o crtbeginS.o crtendS.o crtn.o; do
    start_up_files+=("$(${CC:-cc} -print-file-name=$object)")
  done
  for object in "${start_up_files[@]}"; do
    if [ "$(protection "$object")" != "$wanted" ]; then
      echo "note: ${object##*/} of this system is not marked, so the library cannot be"
      return 0
    fi
  done
  expect 'protection of the library' "$(protection "$library")" "$wanted"
}
protection() { readelf -nW "$1" 2>/dev/null | sed -nE 's/.*(x86|AArch64) feature: (IBT, SHSTK|BTI).*/\2/p'; }

case $backtrace$wayland in
  01) needs_no_runtime_of_cpp ;;
  00) needs_libc_alone ;;
esac
exports_what_it_declares
dynamic_properties
inside_calls_nothing_else
routines_have_unwind_information
control_flow_protection

echo "$checks checks, $failures failed"
[ "$failures" -eq 0 ]
