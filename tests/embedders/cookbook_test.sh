#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# cookbook_test.sh DOCUMENT LANGUAGE FILE STATUS BUILD RUN COPY...
#
# Takes the one code block in LANGUAGE out of DOCUMENT, as FILE, in a folder with copies of COPY; builds and runs it there.
# It has to print what DOCUMENT says; and without the line that has nosigbus installed, to end with STATUS.
set -euo pipefail

document=$1 language=$2 file=$3 status=$4 build=$5 run=$6
shift 6
expected='last byte 0, bad from 4096 on'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for copy; do cp -r "$copy" .; done
awk -v begin="\`\`\`$language" '$0 == begin { on = 1; ++blocks; next } $0 == "```" { on = 0 } on
  END { exit blocks != 1 }' "$document" >"$file" || {
  echo "$document: not one block in $language" >&2
  exit 1
}
head -c 4096 /dev/zero | tr '\0' x >buffer
ulimit -c 0
export LD_LIBRARY_PATH=${NOSIGBUS_LIBRARY_DIR:?}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

bash -c "$build"
output=$(bash -c "$run")
if [ "$output" != "$expected" ]; then
  echo "printed: $output" >&2
  exit 1
fi

before=$(cat ./*."${file##*.}")
sed -i -E '/^ *((nosigbus::|Nosigbus\.)?install|own_bus)\(.*\);/d; /^ *nosigbus::install\(0\)\?;/d
  s/nosigbus\.Install\(0\)/error(nil)/' ./*."${file##*.}"
if [ "$(cat ./*."${file##*.}")" = "$before" ]; then
  echo "$file: nothing is installed in it" >&2
  exit 1
fi
bash -c "$build"
# Not within a substitution of the shell's own: a signal is a status of the shell that waits for it.
set +e
bash -c "$run; exit \$?" >output 2>errors
ended=$?
set -e
if [ "$ended" -ne "$status" ] || grep -qF "$expected" output; then
  echo "without nosigbus it ended with $ended and printed:" >&2
  cat output errors >&2
  exit 1
fi
