#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# An installed nosigbus-run finds its library, and a program survives below it that dies without.
#
# run_test.sh NOSIGBUS_RUN PYTHON
set -euo pipefail

run=$1 python=$2
victim=("$python" "$(dirname "${BASH_SOURCE[0]}")/unprotected.py")
ulimit -c 0

"$run" true
status=0
"${victim[@]}" || status=$?
[ "$status" -eq $((128 + $(kill -l BUS))) ] || { echo "without nosigbus-run: status $status, not SIGBUS"; exit 1; }
report=$("$run" "${victim[@]}" 2>&1)
echo "$report"
grep -q '1 fault in 1 mapping' <<<"$report"
