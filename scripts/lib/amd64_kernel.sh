# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced by the other scripts: tests of this machine's build on another kernel of Debian's. With packages.sh.

# amd64_kernel FOLDER PACKAGE: downloads it unless it is there, prints the path of its kernel; 1 without one.
amd64_kernel() {
  local image folder=$1
  if ! compgen -G "$folder/boot/vmlinuz-*" >/dev/null; then
    mkdir -p "$folder"
    update_package_lists
    image=$(apt-cache depends --important "$2" 2>/dev/null |
      sed -n 's/^ *Depends: *\(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1)
    [ -n "$image" ] || return 1
    (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download "$image" >&2 &&
      dpkg-deb --fsys-tarfile "$image"_*_amd64.deb | tar -x ./boot && rm -f "$image"_*_amd64.deb)
  fi
  compgen -G "$folder/boot/vmlinuz-*" | head -n 1
}

# amd64_tree TREE BUILD TESTS: process 1 (scripts/kernel), the test programs of a build whose names match the regular
# expression, and their libraries at the paths where they look for them.
amd64_tree() {
  local tree=$1 build=$2 program library programs
  rm -rf "$tree"
  mkdir -p "$tree"/{dev,proc,sys,lib,tests}
  gcc -O2 -Wall -Wextra -Werror -static "$(dirname "${BASH_SOURCE[0]}")/../kernel/init.c" -o "$tree/init"
  mapfile -t programs < <(find "$build/tests" -name '*_test' -type f -executable | grep -E "/($3)\$")
  for program in "${programs[@]}"; do
    strip -o "$tree/tests/${program##*/}" "$program"
    while read -r library; do
      case $library in
        "$build"/*) cp -L "$library" "$tree/lib/" ;;
        *) mkdir -p "$tree${library%/*}" && cp -L "$library" "$tree$library" ;;
      esac
    done < <(ldd "$program" | sed -nE 's|^.* (/[^ ]+) \(0x.*|\1|p; s|^\s*(/[^ ]+) \(0x.*|\1|p')
  done
  printf '%s\n' --no-colors --no-version >"$tree/arguments"
  : >"$tree/environment"
}

# pack_tree TREE FILE: what a kernel boots into.
pack_tree() { (cd "$1" && find . | cpio -o -H newc --quiet | gzip -1) >"$2"; }

# kernel_verdict LOG: says how the run in LOG went; 1 where a program failed, or the last one never came.
kernel_verdict() {
  local log=$1
  sed -i 's/\r$//' "$log"
  grep -E '^@@ ' "$log" | sed 's/^@@ /   /'
  sed -nE 's/^\[doctest\] test cases: *([0-9]+) *\| *([0-9]+) passed \| *([0-9]+) failed.*/\1 \2 \3/p' "$log" |
    awk '{ passed += $2; failed += $3 } END { printf "   %d test cases passed, %d failed\n", passed, failed }'
  grep -q '^@@ done' "$log" && ! grep -E '^@@ ' "$log" | grep -v '^@@ done' | grep -qvE ' 0$'
}
