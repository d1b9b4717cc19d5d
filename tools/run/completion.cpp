// SPDX-License-Identifier: MIT
//
// Completions of the shells: our options and their words; behind them whatever the shell knows of the
// program.
#include <string>
#include <utility>

#include "option_table.h"

namespace nosigbus::run {

namespace {

// @options@: all, those that take something with = behind them. @taking@: the latter alone, with | between.
// @values@: a branch for each of them.
constexpr const char* bash_template =
    R"(# bash completion for nosigbus-run, from nosigbus-run --completion=bash
_nosigbus_run() {
  local i option='' word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  # Up to the program. Where COMP_WORDBREAKS has it, = is a word of its own.
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      --) ((++i)); break ;;
      @taking@)
        option=${COMP_WORDS[i]}
        [[ ${COMP_WORDS[i + 1]} != = ]] || ((++i))
        ((++i))
        ((i >= COMP_CWORD)) || option=''
        ;;
      -*) ;;
      *) break ;;
    esac
  done
  [[ $word != = ]] || word=''
  if [[ -z $option && (i -lt COMP_CWORD || $word != -* || ${COMP_WORDS[i - 1]} == --) ]]; then
    if declare -F _command_offset >/dev/null; then
      _command_offset "$i"
    else
      mapfile -t COMPREPLY < <(compgen -c -- "$word")
    fi
    return
  fi
  case $option in
    '')
      mapfile -t COMPREPLY < <(compgen -W '@options@' -- "$word")
      [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
      ;;
@values@  esac
}
complete -F _nosigbus_run nosigbus-run
)";

constexpr const char* zsh_template = R"(#compdef nosigbus-run
# from nosigbus-run --completion=zsh
_arguments -S \
  '-h[@-h@]' \
@values@  '(-):program:_command_names -e' \
  '*::argument:_normal'
)";

// @taking@: with blanks between.
constexpr const char* fish_template =
    R"(# fish completion for nosigbus-run, from nosigbus-run --completion=fish
# The words from the program on.
function __nosigbus_run_program
    set -l words (commandline -opc)[2..-1]
    while set -q words[1]
        if contains -- $words[1] @taking@
            set -e words[1]
        else if test $words[1] = --
            set -e words[1]
            break
        else if not string match -q -- '-*' $words[1]
            break
        end
        set -q words[1]; and set -e words[1]
    end
    string join \n -- $words
end
function __nosigbus_run_before_program
    test (count (__nosigbus_run_program)) = 0; and not contains -- -- (commandline -opc)
end
function __nosigbus_run_complete_program
    set -l words (string escape -- (__nosigbus_run_program)) (commandline -ct)
    string match -q -- '-*' "$words"; and return
    if test -n "$words"
        complete -C "$words"
    else
        __fish_complete_command
    end
end
complete -c nosigbus-run -x -a '(__nosigbus_run_complete_program)'
complete -c nosigbus-run -n __nosigbus_run_before_program -s h -d '@-h@'
@values@)";

std::string filled(std::string text, const std::vector<std::pair<std::string, std::string>>& places) {
  for (const auto& [place, content] : places) {
    for (size_t at = 0; (at = text.find(place, at)) != std::string::npos; at += content.size())
      text.replace(at, place.size(), content);
  }
  return text;
}

std::string joined(const std::vector<std::string>& all, const char* between) {
  std::string text;
  for (const std::string& each : all) text += (text.empty() ? "" : between) + each;
  return text;
}

std::vector<std::string> taking() {
  std::vector<std::string> all;
  for (const option_row& each : option_table()) {
    if (each.kind != argument_kind::nothing) all.push_back(spelling(each));
  }
  return all;
}

std::string bash_completion() {
  std::vector<std::string> options{"-h"};
  std::string values;
  for (const option_row& each : option_table()) {
    const bool takes = each.kind != argument_kind::nothing;
    options.push_back(spelling(each) + (takes ? "=" : ""));
    if (!takes) continue;
    const std::string of = each.kind == argument_kind::file ? "-f" : "-W '" + joined(words(each), " ") + "'";
    values += "    " + spelling(each) + ") mapfile -t COMPREPLY < <(compgen " + of + " -- \"$word\") ;;\n";
  }
  return filled(
      bash_template,
      {{"@options@", joined(options, " ")}, {"@taking@", joined(taking(), " | ")}, {"@values@", values}});
}

std::string help_of_help() {
  for (const option_row& each : option_table()) {
    if (std::string(each.name) == "help") return each.help;
  }
  return {};
}

// `special` each with `before` in front.
std::string escaped(const std::string& text, const char* special, const std::string& before) {
  std::string out;
  for (const char letter : text) {
    if (std::string(special).find(letter) != std::string::npos) out += before;
    out += letter;
  }
  return out;
}

std::string zsh_completion() {
  std::string values;
  for (const option_row& each : option_table()) {
    values += "  '" + spelling(each) + (each.kind == argument_kind::nothing ? "" : "=") + "[" +
              filled(escaped(each.help, ":[]", "\\"), {{"'", "'\\''"}}) + "]";
    if (each.kind == argument_kind::one_of)
      values += std::string(":") + each.name + ":(" + joined(words(each), " ") + ")";
    if (each.kind == argument_kind::file) values += std::string(":") + each.name + ":_files";
    values += "' \\\n";
  }
  return filled(zsh_template, {{"@-h@", help_of_help()}, {"@values@", values}});
}

std::string fish_completion() {
  std::string values;
  for (const option_row& each : option_table()) {
    values += std::string("complete -c nosigbus-run -n __nosigbus_run_before_program -l ") + each.name;
    if (each.kind == argument_kind::one_of) values += " -x -a '" + joined(words(each), " ") + "'";
    if (each.kind == argument_kind::file) values += " -r -F";
    values += " -d '" + escaped(each.help, "'\\", "\\") + "'\n";
  }
  return filled(fish_template,
                {{"@-h@", help_of_help()}, {"@taking@", joined(taking(), " ")}, {"@values@", values}});
}

}  // namespace

std::string completion(const std::string& shell) {
  if (shell == "bash") return bash_completion();
  return shell == "zsh" ? zsh_completion() : fish_completion();
}

}  // namespace nosigbus::run
