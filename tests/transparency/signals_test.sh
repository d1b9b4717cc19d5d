#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# signals_test.sh SIGNALS NOSIGBUS-RUN CASE: the case, plain and protected, has to tell the same and end alike.
set -uo pipefail
ulimit -c 0

signals=$1 runner=$2 name=$3
# A shell around it, for which a death is a status like others.
ending() { ("$@" 2>/dev/null; echo "status $?") 2>/dev/null; }
plain=$(ending "$signals" "$name")
protected=$(ending "$runner" --scope=all --log=/dev/null -- "$signals" "$name")
if [ "$plain" != "$protected" ]; then
  diff <(echo "$plain") <(echo "$protected")
  echo "$name: different (< plain, > protected)"
  exit 1
fi
echo "$plain"
