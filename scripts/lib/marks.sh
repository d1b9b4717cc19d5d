# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced by the other scripts: parts of documents that scripts write.

# replace_marked NAME FILE: replaces what stands between the marks <!-- NAME --> and <!-- /NAME --> in FILE by standard
# input.
replace_marked() {
  local name=$1 file=$2 block
  block=$(cat)
  BLOCK=$block awk -v begin="<!-- $name -->" -v end="<!-- /$name -->" '
    $0 == begin { print; print ""; print ENVIRON["BLOCK"]; print ""; skip = 1 }
    $0 == end { skip = 0 } !skip' "$file" >"$file.new"
  mv "$file.new" "$file"
}
