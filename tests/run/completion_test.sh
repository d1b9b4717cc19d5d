#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# completion_test.sh SHELL RUN: what SHELL (bash, zsh, fish) offers on a command line, with the completion that
# RUN prints for it.
# shellcheck disable=SC2016,SC2317 # other shells expand that; check calls those
set -euo pipefail

shell=$1 run=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work TERM=dumb
"$run" --completion="$shell" >"$work/_nosigbus-run"
cd "$work"
: >"$work/log-file"

# offers_bash WORD...: as readline has it, which breaks words at =.
offers_bash() {
  bash --norc -c '
    if [ -r "$bash_completion" ]; then source "$bash_completion"; fi
    source "$1"
    shift
    COMP_WORDS=(nosigbus-run "$@") COMP_CWORD=$#
    COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE}
    _nosigbus_run nosigbus-run "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" \
      2> >(grep -v "compopt: not currently executing completion function" >&2)
    printf "%s\n" "${COMPREPLY[@]}"' bash "$work/_nosigbus-run" "$@"
}

# offers_fish LINE
offers_fish() {
  fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$work/_nosigbus-run" "$1" | cut -f 1
}

# offers_zsh LINE: what Tab shows on a terminal of its own.
offers_zsh() {
  zsh -f -c '
    zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z "PS1=; stty -echo; fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u
      told() { print -r -- LIST\"\"_END }; zle -N told; bindkey \"^X\" told
      bindkey \"^I\" list-choices; LISTMAX=10000; print READ\"\"Y"
    zpty -r -m z line "*READY*"
    zpty -w -n z "$2"$'"'\\t\\x18'"'
    zpty -r -m z line "*LIST_END*"
    print -r -- "$line"
    zpty -d z' zsh "$work" "$1" | sed -E 's/\x1b\[[0-9;?]*[a-zA-Z]//g' | tr -s '[:space:]' '\n'
}

status=0
# expect WHAT WORD... -- COMMAND...: each word is among what the command prints.
# expect_none WHAT WORD... -- COMMAND...: none is.
expect() { check 0 "$@"; }
expect_none() { check 1 "$@"; }
check() {
  local wanted=$1 what=$2 expected=() word offered
  shift 2
  while [ "$1" != -- ]; do expected+=("$1"); shift; done
  shift
  offered=$("$@")
  for word in "${expected[@]}"; do
    if ! { grep -qxF -e "$word" <<<"$offered"; [ $? -eq "$wanted" ]; }; then
      printf '%s: %s; offered were:\n%s\n' "$what" "$word" "$offered"
      status=1
    fi
  done
}

mapfile -t options < <("$run" --help | grep -oE -e '^  --[a-z-]+=?' | tr -d ' ')
[ "${#options[@]}" -gt 10 ]

case $shell in
  bash)
    bash -n "$work/_nosigbus-run"
    for bash_completion in /usr/share/bash-completion/bash_completion /nonsense; do
      export bash_completion
      expect 'options' "${options[@]}" -h -- offers_bash -
      expect 'words' shm files all -- offers_bash --scope = ''
      expect 'words after =' files -- offers_bash --scope = f
      expect_none 'other words' shm absorb -- offers_bash --scope = f
      expect 'words in an argument of their own' files -- offers_bash --scope f
      expect 'files' log-file -- offers_bash --log = log-
      expect 'programs' bash -- offers_bash bas
      expect 'programs behind options' bash -- offers_bash --scope = files --io pass bas
      expect 'programs behind --' bash -- offers_bash --follow -- bas
      expect_none "the program's options" --scope= -- offers_bash ls --sc
    done
    ;;
  fish)
    fish --no-execute "$work/_nosigbus-run"
    expect 'options' "${options[@]%=}" -- offers_fish 'nosigbus-run --'
    expect 'words' --scope=shm --scope=files --scope=all -- offers_fish 'nosigbus-run --scope='
    expect 'words in an argument of their own' files -- offers_fish 'nosigbus-run --scope f'
    expect 'files' --log=log-file -- offers_fish 'nosigbus-run --log=log-'
    expect 'programs' bash -- offers_fish 'nosigbus-run bas'
    expect 'programs behind options' bash -- offers_fish 'nosigbus-run --scope files --io=pass bas'
    expect_none "the program's options" --scope -- offers_fish 'nosigbus-run ls --sc'
    ;;
  zsh)
    zsh -n "$work/_nosigbus-run"
    expect 'options' "${options[@]%=}" -- offers_zsh 'nosigbus-run --'
    expect 'words' shm files all -- offers_zsh 'nosigbus-run --scope='
    expect 'programs' bash -- offers_zsh 'nosigbus-run bas'
    expect 'programs behind options' bash -- offers_zsh 'nosigbus-run --scope=files bas'
    expect_none "the program's options" --scope -- offers_zsh 'nosigbus-run ls --sc'
    ;;
esac
exit "$status"
