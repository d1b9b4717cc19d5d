#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# documents_test.sh SOURCE_DIR CC CXX LIBRARY_DIR
#
# README.md and the documents: their programs compile, and README's prints what README says; what they link to, and
# sources that they name, are there; docs/*.svg has the words of docs/*.dot.
#
# Behind a line <!-- compile: c --> (or c++) a block is compiled by itself, with tests/documentation/surroundings.h; of
# the documents that have such lines every block of C or C++ has to have one. Behind <!-- run: c++ --> it is run, and
# has to print what stands between the next <!-- prints --> and the block's end.
set -euo pipefail

source=$1 cc=$2 cxx=$3 libraries=$4
here=$(dirname "${BASH_SOURCE[0]}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source"
failed=0
fail() {
  echo "FAILED: $*"
  failed=1
}

# Writes the blocks of a document to $work: N, and N.how, which says what is to be done with it. Of a document without
# marks, none.
blocks() {
  rm -f "$work"/[0-9]*
  awk -v work="$work" '
    /^<!-- (compile|run): (c|c\+\+) -->$/ { marked = $2 " " $3; sub(/:/, "", marked); any = 1; next }
    /^<!-- prints -->$/ { marked = "prints"; next }
    /^```/ && !on {
      on = 1
      if (marked != "") { number++; print marked > (work "/" number ".how"); printf "" > (work "/" number) }
      else if (/^```(c|cpp)$/) bare = bare " " NR
      keep = marked != ""; marked = ""
      next
    }
    /^```/ { on = 0; keep = 0; next }
    on && keep { print > (work "/" number) }
    END { if (any && bare != "") { print FILENAME ": not compiled: lines" bare; exit 1 } }' "$1"
}

# compiler LANGUAGE: sets command.
compiler() {
  case $1 in
    c) command=("$cc" -std=gnu11 -x c) ;;
    c++) command=("$cxx" -std=gnu++20 -x c++) ;;
  esac
  command+=(-Wall -Wextra -Werror -Wno-unused-function -I include)
}

programs_compile() {
  local document=$1 number how language printed
  blocks "$document" || fail "$document"
  for ((number = 1; ; number++)); do
    [ -f "$work/$number.how" ] || break
    read -r how language <"$work/$number.how" || true
    case $how in
      compile)
        compiler "$language"
        "${command[@]}" -include "$here/surroundings.h" -fsyntax-only "$work/$number" || fail "$document: block $number"
        ;;
      run)
        compiler "$language"
        "${command[@]}" "$work/$number" -o "$work/program" -x none -L "$libraries" -Wl,-rpath,"$libraries" -lnosigbus ||
          { fail "$document: block $number" && continue; }
        printed=$("$work/program") || fail "$document: block $number ends with $?"
        [ "$(cat "$work/$((number + 1)).how")" = prints ] || fail "$document: what does block $number print?"
        diff <(cat "$work/$((number + 1))") <(echo "$printed") || fail "$document: block $number prints something else"
        ;;
    esac
    [ "$how" = prints ] || echo "$document $how" >>"$work/done"
  done
}

# Relative ones; of those with an anchor, the heading too.
links_lead_somewhere() {
  local document=$1 link file anchor
  while read -r link; do
    case $link in *://* | mailto:*) continue ;; esac
    file=${link%%#*} anchor=
    [ "$file" = "$link" ] || anchor=${link#*#}
    if [ -n "$file" ]; then file=$(dirname "$document")/$file; else file=$document; fi
    if [ ! -e "$file" ]; then
      fail "$document: no $link"
    elif [ -n "$anchor" ]; then
      sed -nE 's/^#+ (.*)/\L\1/p' "$file" | tr -cd 'a-z0-9 \n_-' | tr ' ' - | grep -qx -e "$anchor" || fail "$document: no $link"
    fi
  done < <(awk '/^```/ { on = !on } !on' "$document" | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\((.*)\)$/\1/')
}

# shellcheck disable=SC2016 # what documents quote with
named_sources_exist() {
  local document=$1 path
  while read -r path; do
    compgen -G "$path" >/dev/null || fail "$document: no $path"
  done < <(grep -oE '`(src|arch|tests|docs|include|scripts|tools|examples|fuzz|cmake|bench)/[A-Za-z0-9_./*-]+`' "$document" |
    tr -d '`' | grep -v '/NAME' | sort -u)
}

pictures_are_of_their_sources() {
  local dot word
  for dot in docs/*.dot; do
    while read -r word; do
      grep -qF -e "$word<" "${dot%.dot}.svg" || fail "${dot%.dot}.svg: no '$word'; scripts/draw makes it anew"
    done < <(grep -oE 'label="[^"]*"' "$dot" | sed -E 's/^label="(.*)"$/\1/; s/\\n/\n/g' |
      sed -E "s/^ *//; s/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/-/\&#45;/g; s/'/\&#39;/g")
  done
}

for document in README.md docs/*.md; do programs_compile "$document"; done
for document in README.md CONTRIBUTING.md docs/*.md; do
  links_lead_somewhere "$document"
  case $document in
    */migrating*.md | */porting.md | */wayland.md) ;; # name sources of others
    *) named_sources_exist "$document" ;;
  esac
done
pictures_are_of_their_sources
sort "$work/done" | uniq -c
grep -q '^README.md run' "$work/done" || fail 'README.md has no program that is run'
exit "$failed"
