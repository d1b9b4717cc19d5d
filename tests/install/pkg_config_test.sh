#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Strict programs in C and C++ find an installed nosigbus by pkg-config: linked to the shared library, to the archive in
# a program that is static as a whole. Those of the other libraries, where these are installed.
#
# pkg_config_test.sh PREFIX LIBDIR C_COMPILER CXX_COMPILER WORK_DIR
set -euo pipefail
shopt -s inherit_errexit

prefix=$1 libdir=$2 cc=$3 cxx=$4 work=$5
sources=$(dirname "${BASH_SOURCE[0]}")
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
strict=(-Wall -Wextra -pedantic -Werror)
c=("$cc" -std=c11 "${strict[@]}")
cpp=("$cxx" -std=c++20 "${strict[@]}")
mkdir -p "$work"

# built PROGRAM SOURCE MODULE COMPILE...: builds it with the shared libraries of MODULE, of which it needs the first, and
# runs it.
built() {
  local program=$work/$1 source=$sources/$2 modules flags
  read -ra modules <<<"$3"
  shift 3
  read -ra flags <<<"$(pkg-config --cflags --libs "${modules[@]}")"
  "$@" "$source" -o "$program" "${flags[@]}" -Wl,-rpath,"$prefix/$libdir"
  "$program"
  readelf -d "$program" | grep -q "NEEDED.*lib${modules[0]}\.so"
  echo "${program##*/}: passed"
}

# built_static PROGRAM SOURCE COMPILE...
built_static() {
  local program=$work/$1 source=$sources/$2 flags
  shift 2
  read -ra flags <<<"$(pkg-config --static --cflags --libs nosigbus)"
  "$@" -static "$source" -o "$program" "${flags[@]}"
  "$program"
  if readelf -d "$program" | grep NEEDED; then return 1; fi
  echo "${program##*/}: passed"
}

# installed MODULE
installed() { pkg-config --exists "$1"; }

built c_shared consumer.c nosigbus "${c[@]}"
built cpp_shared consumer.cpp nosigbus "${cpp[@]}"
built_static c_static consumer.c "${c[@]}"
built_static cpp_static consumer.cpp "${cpp[@]}"
if installed nosigbus-fiber; then built fiber fiber.cpp nosigbus-fiber "${cpp[@]}"; fi
if installed nosigbus-backtrace; then built backtrace backtrace.c nosigbus-backtrace "${c[@]}"; fi
if installed nosigbus-wayland; then built wayland wayland.c 'nosigbus-wayland wayland-server' "${c[@]}"; fi
