#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every public header compiles alone, and twice, under strict flags. Before C++20, nosigbus.hpp says so first of all.
#
# headers_test.sh c|c++|asm HEADER_DIR COMPILER [FLAG...]
#   HEADER_DIR: the folder that contains nosigbus/. Exits 77 (skipped) where there is no such compiler.
set -euo pipefail

language=$1 include=$2 compiler=$3
shift 3
if ! command -v "$compiler" >/dev/null; then
  echo "no $compiler here"
  exit 77
fi

shopt -s nullglob
case $language in
  c)
    headers=("$include"/nosigbus/*.h)
    compile=("$compiler" -x c -std=c11)
    ;;
  c++)
    headers=("$include"/nosigbus/*.h "$include"/nosigbus/*.hpp)
    compile=("$compiler" -x c++ -std=c++20)
    ;;
  asm) # the one that assembly files include
    headers=("$include"/nosigbus/extable.h)
    compile=("$compiler" -x assembler-with-cpp)
    ;;
esac
compile+=(-Wall -Wextra -pedantic -Werror "$@" -I "$include" -c -o /dev/null -)

failed=0
# ISO C wants a declaration in each translation unit.
declaration=
[ "$language" = asm ] || declaration='struct headers_test;'
for header in "${headers[@]}"; do
  line="#include <nosigbus/${header##*/}>"
  if ! printf '%s\n' "$line" "$line" "$declaration" | "${compile[@]}"; then
    echo "FAILED: ${header##*/}"
    failed=1
  fi
done
if [ "$language" = c++ ]; then
  for standard in c++11 c++14 c++17; do
    said=$(echo '#include <nosigbus/nosigbus.hpp>' |
      LC_ALL=C "$compiler" -x c++ -std=$standard "$@" -I "$include" -fsyntax-only - 2>&1) &&
      { echo "FAILED: nosigbus.hpp compiles as $standard" && failed=1; }
    [[ $(grep -m 1 -o 'error.*' <<<"$said") == *'compile with -std=c++20'* ]] ||
      { echo "FAILED: nosigbus.hpp as $standard: $said" && failed=1; }
  done
fi
echo "${#headers[@]} headers as $language"
[ "${#headers[@]}" -gt 0 ] && exit "$failed"
