#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Each function of the installed libraries has an installed manual page by its name, which leads to one that names it.
#
# manual_test.sh PREFIX LIBDIR MANDIR
set -euo pipefail

libraries=$1/$2 manual=$1/$3
pages=0
while read -r name; do
  page=$manual/man3/$name.3
  [ -f "$page" ] || { echo "no manual page: $name"; exit 1; }
  alias=$(sed -n 's/^\.so //p' "$page")
  [ -z "$alias" ] || page=$manual/$alias
  grep -qE "^\.Nm $name( ,)?$" "$page" || { echo "$page does not tell of $name"; exit 1; }
  pages=$((pages + 1))
done < <(nm -D --defined-only "$libraries"/libnosigbus.so "$libraries"/libnosigbus-{backtrace,wayland}.so 2>/dev/null |
  sed -nE 's/^[0-9a-f]+ [TBD] (nosigbus_[a-z0-9_]+).*/\1/p')
[ "$pages" -gt 0 ]
[ -f "$manual/man7/nosigbus.7" ]
echo "$pages functions"
