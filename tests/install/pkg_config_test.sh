#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A strict C program finds an installed nosigbus by pkg-config: linked to the shared library, to the
# archive in a program that is static as a whole.
#
# pkg_config_test.sh PREFIX LIBDIR C_COMPILER WORK_DIR
set -euo pipefail

prefix=$1 libdir=$2 cc=$3 work=$4
source=$(dirname "${BASH_SOURCE[0]}")/consumer.c
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
strict=(-std=c11 -Wall -Wextra -pedantic -Werror)
mkdir -p "$work"

read -ra flags <<<"$(pkg-config --cflags --libs nosigbus)"
"$cc" "${strict[@]}" "$source" -o "$work/shared" "${flags[@]}" -Wl,-rpath,"$prefix/$libdir"
"$work/shared"
readelf -d "$work/shared" | grep -q 'NEEDED.*libnosigbus\.so'
echo 'shared: passed'

read -ra flags <<<"$(pkg-config --static --cflags --libs nosigbus)"
"$cc" "${strict[@]}" -static "$source" -o "$work/static" "${flags[@]}"
"$work/static"
echo 'static: passed'

if pkg-config --exists nosigbus-backtrace; then
  read -ra flags <<<"$(pkg-config --cflags --libs nosigbus-backtrace)"
  "$cc" "${strict[@]}" "$(dirname "$source")/backtrace.c" -o "$work/backtrace" "${flags[@]}" \
    -Wl,-rpath,"$prefix/$libdir"
  "$work/backtrace"
  readelf -d "$work/backtrace" | grep -q 'NEEDED.*libnosigbus-backtrace\.so'
  echo 'backtrace: passed'
fi

if pkg-config --exists nosigbus-wayland; then
  read -ra flags <<<"$(pkg-config --cflags --libs nosigbus-wayland wayland-server)"
  "$cc" "${strict[@]}" "$(dirname "$source")/wayland.c" -o "$work/wayland" "${flags[@]}" -Wl,-rpath,"$prefix/$libdir"
  "$work/wayland"
  readelf -d "$work/wayland" | grep -q 'NEEDED.*libnosigbus-wayland\.so'
  echo 'wayland: passed'
fi
