#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The diffs of a document compile, what they are applied to as well as what comes of it.
#
# migrating_test.sh DOCUMENT SURROUNDINGS HEADERS ADAPTERS CC CXX [FLAG...]
#   SURROUNDINGS: the folder with what the diffs' other sides declare. HEADERS: the folder that contains nosigbus/.
#   ADAPTERS: the folder of the adapters' headers. FLAG: for both compilers.
#
# In front of a diff stands
#   <!-- compile: SURROUNDING.c [HEADER...] -->    (or .cpp)
# A diff that needs a HEADER which is not there is left out, and said to be.
set -euo pipefail

document=$1 surroundings=$2 headers=$3 adapters=$4 cc=$5 cxx=$6
shift 6
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Writes each diff to files: N, which says what it needs, N.before and N.after.
awk -v folder="$folder" '
  /^<!-- compile: / { sub(/^<!-- compile: /, ""); sub(/ -->$/, ""); marked = $0; next }
  /^```diff$/ {
    if (marked == "") { print "line " NR ": a diff that is not compiled" > "/dev/stderr"; exit 1 }
    number++
    print marked > (folder "/" number)
    open = 1
    next
  }
  /^```$/ { open = 0; marked = "" }
  open && /^[ +]/ { print substr($0, 2) > (folder "/" number ".after") }
  open && /^[ -]/ { print substr($0, 2) > (folder "/" number ".before") }
  open && /^$/ { print "" > (folder "/" number ".after"); print "" > (folder "/" number ".before") }
' "$document"

# compile SURROUNDING.c FILE
compile() {
  local surrounding=$1 file=$2 language
  case $surrounding in
    *.c) language=("$cc" -x c -std=gnu11) ;;
    *.cpp) language=("$cxx" -x c++ -std=gnu++20) ;;
  esac
  "${language[@]}" "${flags[@]}" -include "$surroundings/${surrounding%.*}.h" -c -o /dev/null "$file"
}

flags=(-Wall -Wextra -Werror -Wno-unused-function -Wno-unused-parameter "$@" -I "$headers" -I "$adapters")
compiled=0 failed=0
for ((number = 1; ; number++)); do
  [ -f "$folder/$number" ] || break
  read -r surrounding needed <"$folder/$number"
  missing=
  for header in $needed; do
    echo "#include <$header>" | "$cc" -x c "${flags[@]}" -E -o /dev/null - 2>/dev/null || missing=$header
  done
  if [ -n "$missing" ]; then
    echo "diff $number ($surrounding) left out: no $missing"
    continue
  fi
  for side in before after; do
    if compile "$surrounding" "$folder/$number.$side"; then
      compiled=$((compiled + 1))
    else
      echo "FAILED: $side diff $number ($surrounding)"
      failed=1
    fi
  done
done
echo "$compiled sides of diffs compiled"
[ "$compiled" -gt 0 ] && exit "$failed"
