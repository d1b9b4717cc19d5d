# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced by the other scripts: parts of documents that scripts write, and where they were measured. $root is the source.
#
#   <!-- NAME -->, or <!-- NAME: WHAT WRITES IT -->
#   ...
#   <!-- /... -->
root=${root:?}

# replace_marked FILE NAME: what stands between the marks becomes standard input.
replace_marked() {
  local file=$1 name=$2 block text
  block=$(cat)
  # At once, so that nothing half done is left where this is interrupted.
  text=$(BLOCK=$block awk -v mark="<!-- $name" '
    $0 == mark " -->" || index($0, mark ": ") == 1 { print; print ""; print ENVIRON["BLOCK"]; print ""; ++found; within = 1 }
    /^<!-- \// { within = 0 }
    !within
    END { exit found != 1 || within }' "$file") || { echo "$file: not one block '$name'" >&2; return 1; }
  printf '%s\n' "$text" >"$file"
}

# The machine, what it ran, and how busy it was: figures of a busy one are not to be compared with others.
machine() {
  local model commit
  model=$(sed -n 's/^model name[[:blank:]]*: //p' /proc/cpuinfo | head -n 1)
  if commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null); then
    git -C "$root" diff --quiet HEAD -- . ':!docs' ':!README.md' || commit+=' with changes'
  fi
  printf '%s, %s processors, Linux %s, %s, commit %s, load %s at the start\n' "${model:-$(uname -m)}" "$(nproc)" \
    "$(uname -r | cut -d- -f1)" "$(date +%F)" "${commit:-unknown}" "$(cut -d' ' -f1 /proc/loadavg)"
}
