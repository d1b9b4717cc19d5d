#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The API reference has all public symbols; of those without a comment each is found. What it says of operations that
# macros make is what the header declares.
#
# reference_test.sh SOURCE_DIR CC WORK_DIR
set -euo pipefail

source=$1 cc=$2 work=$3
rm -rf "$work"
mkdir -p "$work"

for how in '' -DNOSIGBUS_PORTABLE; do
  "$cc" -std=c11 -Wall -Wextra -Werror ${how:+"$how"} -I "$source/include" -x c -c -o /dev/null \
    "$source/docs/reference/operations.h"
done

"$source/scripts/reference" "$work/out"
[ -s "$work/out/html/index.html" ]
while read -r name; do
  grep -qF "<name>$name</name>" "$work"/out/xml/*.xml || { echo "not in the reference: $name"; exit 1; }
done < <(sed -nE 's/^ *([a-z0-9_]+);$/\1/p' "$source/src/libnosigbus.map" "$source"/src/*/libnosigbus-{backtrace,wayland}.map)

is_refused() {
  if "$work/tree/scripts/reference" "$work/more" >"$work/more.log" 2>&1; then
    echo 'symbols without a comment are not missed'
    exit 1
  fi
}

# The same headers with one more, in which every other symbol has no comment.
mkdir -p "$work/tree/docs"
cp -r "$source/include" "$source/scripts" "$work/tree"
cp -r "$source/docs/reference" "$work/tree/docs"
cat >"$work/tree/include/nosigbus/more.h" <<'HEADER'
/* A header. */

/* With a comment. */
#define TOLD_MACRO 1

#define UNTOLD_MACRO 1

/* With a comment. */
enum told_enum {
  /* With one. */
  TOLD_VALUE,

  UNTOLD_VALUE
};

struct untold_struct {
  int hidden;
};

/* With a comment. */
struct told_struct {
  int told; /* with one */

  int untold_member;
};

/* With a comment, which is that of the next one, too. */
int told_function(void);
int told_neighbour(void);

int untold_function(void);
HEADER
sed -i '1s|.*|/* SPDX-License-Identifier: MIT\n *\n * A header. */|' "$work/tree/include/nosigbus/more.h"
is_refused
for name in UNTOLD_MACRO untold_struct untold_member untold_function; do
  grep -qE "\b$name\b.*is not documented" "$work/more.log" || { echo "not missed: $name"; cat "$work/more.log"; exit 1; }
done
if grep -qiE '(Compound|Member) told_' "$work/more.log"; then
  echo 'missed in spite of a comment:'
  cat "$work/more.log"
  exit 1
fi
sed -i '/UNTOLD_MACRO/d; /^struct untold/,/^};/d; /untold_/d' "$work/tree/include/nosigbus/more.h"
is_refused
grep -q 'UNTOLD_VALUE is not documented' "$work/more.log"
