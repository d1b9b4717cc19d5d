#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# prints_test.sh PROGRAM LINE...: it prints these lines, nothing else, and is content.
set -euo pipefail

program=$1
shift
diff <(printf '%s\n' "$@") <("$program" || echo "exit status $?")
