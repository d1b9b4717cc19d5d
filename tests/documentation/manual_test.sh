#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The manual pages: well-formed to mandoc and to groff, one for each function that the libraries export and for each
# inline operation; the prototypes of a SYNOPSIS are the headers', and EXAMPLES compile.
#
# manual_test.sh SOURCE_DIR CC CXX [FLAG...]    FLAG: for both compilers
# Exit status 77: there is neither mandoc nor groff.
set -euo pipefail

source=$1 cc=$2 cxx=$3
shift 3
flags=(-Wall -Wextra -Werror -fsyntax-only -I "$source/include" "$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pages=("$source"/docs/man/*.[1-8])
failed=0
fail() {
  echo "FAILED: $*"
  failed=1
}

well_formed() {
  local page said tools=0
  if command -v mandoc >/dev/null; then
    tools=1
    mandoc -T lint -W warning "${pages[@]}" || fail 'mandoc'
  fi
  if command -v man >/dev/null && man --help 2>/dev/null | grep -q -e --warnings && command -v groff >/dev/null; then
    tools=1
    for page in "${pages[@]}"; do
      said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)
      [ -z "$said" ] || fail "man --warnings ${page##*/}: $said"
    done
  fi
  [ "$tools" -eq 1 ] || exit 77
}

# What a page is the manual of: its NAME section.
names() { awk '/^\.Sh / { within = /NAME/ } within && /^\.Nm / { print $2 }' "$@"; }

every_function_has_a_page() {
  local name
  while read -r name; do
    grep -qxF "$name" "$work/names" || fail "no manual page: $name"
  done < <({
    sed -nE 's/^ *([a-z0-9_]+);$/\1/p' "$source"/src/lib*.map "$source"/src/{backtrace,wayland}/*.map
    sed -nE 's/^int (nosigbus_[a-z0-9_]+)\(.*/\1/p' "$source/docs/reference/operations.h"
  } | sort -u)
  sort "$work/names" | uniq -d | while read -r name; do echo "two manual pages: $name"; done >"$work/twice"
  [ ! -s "$work/twice" ] || fail "$(cat "$work/twice")"
}

# Without comments, blanks and what the library's macros add, on one line.
bare() { sed -Ez 's#/\*([^*]|\*+[^*/])*\*+/##g; s/\b(NOSIGBUS_(API|NOEXCEPT|INLINE)|noexcept|const noexcept)\b//g' | tr -d ' \n\t'; }

# The prototypes of a page, one on a line: return type, name, arguments.
prototypes() {
  awk '
    function put(text) { gsub(/"/, "", text); return text }
    /^\.Sh / { within = /SYNOPSIS/ }
    !within { next }
    /^\.Ft / { type = put(substr($0, 5)) }
    /^\.Fn / || /^\.Fo / {
      rest = substr($0, 5)
      if (rest ~ /^"/) { match(rest, /^"[^"]*"/); name = put(substr(rest, 1, RLENGTH)) } else { name = rest; sub(/ .*/, "", name) }
      rest = substr(rest, length(name) + (rest ~ /^"/ ? 3 : 1))
      arguments = ""
    }
    /^\.Fn / {
      sub(/^ */, "", rest)
      if (rest ~ /^"/) { gsub(/" +"/, ", ", rest) } else { gsub(/ +/, ", ", rest) }
      print type " " name "(" put(rest) ")"; type = ""
    }
    /^\.Fa / { arguments = arguments (arguments == "" ? "" : ", ") put(substr($0, 5)) }
    /^\.Fc/ { print type " " name "(" arguments ")"; type = "" }' "$1"
}

prototypes_are_the_headers() {
  local page header prototype wanted
  for page in "$source"/docs/man/*.3; do
    while read -r header; do
      cat "$source/include/$header"
      [ "$header" != nosigbus/inline.h ] || cat "$source/docs/reference/operations.h"
      [ "$header" != nosigbus/region.h ] || cat "$source/include/nosigbus/bracket.h"
      [ "$header" != nosigbus/fuzz.hpp ] || cat "$source/include/nosigbus/fuzz/act.hpp"
    done < <(sed -nE '/^\.Sh SYNOPSIS/,/^\.Sh D/s/^\.In //p' "$page") | bare >"$work/header"
    while read -r prototype; do
      # Members are named with their class.
      wanted=$(sed -E 's/\b(fiber|hostile_buffer|hostile_input):://' <<<"$prototype" | bare)
      grep -qF -e "$wanted" "$work/header" || fail "${page##*/}: no such prototype: $prototype"
      echo "$prototype" >>"$work/prototypes"
    done < <(prototypes "$page")
  done
}

# Each block behind a line .\" compile: LANGUAGE [PROCESSOR]
examples_compile() {
  local page block language processor count=0
  for page in "${pages[@]}"; do
    rm -f "$work"/example.*
    awk -v work="$work" '
      /^\.\\" compile: / { number++; print substr($0, 13) > (work "/example." number ".how"); next }
      /^\.Bd / { on = 1; next }
      /^\.Ed/ { on = 0; next }
      on && number { gsub(/\\e/, "\\"); gsub(/\\-/, "-"); gsub(/\\&/, ""); print > (work "/example." number) }' "$page"
    case $page in
      *.3) [ -e "$work/example.1" ] || fail "${page##*/}: no example that is compiled" ;;
    esac
    for block in "$work"/example.*.how; do
      [ -e "$block" ] || continue
      read -r language processor <"$block" || true
      [ -z "$processor" ] || [ "$processor" = "$(uname -m)" ] || continue
      case $language in
        c) "$cc" "${flags[@]}" -std=gnu11 -x c "${block%.how}" || fail "${page##*/}: an example does not compile" ;;
        c++) "$cxx" "${flags[@]}" -std=gnu++20 -x c++ "${block%.how}" || fail "${page##*/}: an example does not compile" ;;
      esac
      count=$((count + 1))
    done
  done
  echo "$count examples"
}

well_formed
names "${pages[@]}" >"$work/names"
every_function_has_a_page
prototypes_are_the_headers
examples_compile
echo "${#pages[@]} pages, $(wc -l <"$work/names") names, $(wc -l <"$work/prototypes") prototypes"
exit "$failed"
