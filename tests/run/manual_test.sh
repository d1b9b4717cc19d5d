#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# manual_test.sh RUN MANUAL: the manual is well-formed, and tells of all options and variables that --help
# names. Exit status 77: there is no mandoc to say so.
set -euo pipefail

run=$1 manual=$2
command -v mandoc >/dev/null || exit 77
mandoc -T lint -W warning "$manual"
text=$(mandoc -T ascii "$manual" | sed 's/.\x08//g')
status=0
while read -r word; do
  grep -qF -e "$word" <<<"$text" || { echo "not in the manual: $word"; status=1; }
done < <("$run" --help | grep -oE -e '--[a-z-]+|NOSIGBUS_[A-Z_]+' | sort -u)
exit "$status"
