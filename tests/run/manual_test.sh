#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# manual_test.sh RUN MANUAL: the manual is well-formed, and tells of all options that --help names, of
# their words, and of their variables. Exit status 77: there is no mandoc to say so.
set -euo pipefail

run=$1 manual=$2
command -v mandoc >/dev/null || exit 77
mandoc -T lint -W warning "$manual"
text=$(mandoc -T ascii "$manual" | sed 's/.\x08//g')
status=0
while read -r word; do
  grep -qF -e "$word" <<<"$text" || { echo "not in the manual: $word"; status=1; }
done < <("$run" --help | sed -nE 's/^  (--[a-z-]+)(=([a-z|]*))?.*/\1 \3/p' | grep -oE -e '[a-z-]+' | sort -u
  "$run" --help | sed -nE '/^Instead/q; s/^  --([a-z-]+).*/NOSIGBUS_\1/p' | tr 'a-z-' 'A-Z_')
exit "$status"
