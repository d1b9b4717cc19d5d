// SPDX-License-Identifier: MIT
#include "option_table.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace nosigbus::run {

namespace {

constexpr const char* protection = "What is protected";
constexpr const char* reporting = "What is told";
constexpr const char* general = "Instead of running PROGRAM";

using enum argument_kind;

constexpr option_row table[] = {
    {"scope", protection, "shm|files|all", "mappings of shared memory; files too; all", one_of, true},
    {"io", protection, "absorb|pass", "I/O errors: zeros, or the signal (*)", one_of, true},
    {"write", protection, "discard|pass", "writes to missing pages: lost, or signal (*)", one_of, true},
    {"own-handler", protection, "cooperate|rescue", "for SIGBUS: called first, or kept out", one_of, true},
    {"report", reporting, "text|json|none", "form of the report at the end", one_of, true},
    {"log", reporting, "FILE|fd:N", "where to, instead of standard error", file, true},
    {"follow", reporting, "", "also tell what happens when it happens", nothing, true},
    {"backtrace", reporting, "", "tell which code met the first fault", nothing, true},
    {"color", reporting, "auto|always|never", "colours; auto: on a terminal", one_of, true},
    {"check", general, "", "say what would be protected, and why not", nothing, false},
    {"completion", general, "bash|zsh|fish", "print completions for a shell", one_of, false},
    {"help", general, "", "print this (also -h)", nothing, false},
    {"version", general, "", "print the version", nothing, false},
};

constexpr const char* head =
    "Usage: nosigbus-run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
    "Runs PROGRAM so that it survives mapped files that others truncate.\n";
constexpr const char* foot =
    "The first word is the default; (*) in shared memory, and the second in files.\n"
    "NOSIGBUS_SCOPE=files is --scope=files, and so on. SIGUSR2: the report so far.\n"
    "Exit status: PROGRAM's; 124 cannot be protected, 125 nosigbus-run failed,\n"
    "126 cannot be executed, 127 is not there. nosigbus-run(1) tells more.\n";

}  // namespace

std::span<const option_row> option_table() { return table; }

std::string spelling(const option_row& of) { return std::string("--") + of.name; }

std::string variable(const option_row& of) {
  if (!of.has_variable) return {};
  std::string text = std::string("NOSIGBUS_") + of.name;
  for (char& letter : text)
    letter = letter == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

std::vector<std::string> words(const option_row& of) {
  std::vector<std::string> all;
  if (of.kind != one_of) return all;
  std::istringstream text(of.argument);
  for (std::string word; std::getline(text, word, '|');) all.push_back(word);
  return all;
}

std::string help_text() {
  constexpr size_t column = 34;
  std::string text = head;
  const char* group = nullptr;
  for (const option_row& each : table) {
    if (each.group != group) text += std::string(each.group) + ":\n";
    group = each.group;
    std::string line = "  " + spelling(each) + (each.kind == nothing ? "" : "=") + each.argument;
    line.resize(std::max(column, line.size() + 1), ' ');
    text += line + each.help + "\n";
  }
  return text + foot;
}

}  // namespace nosigbus::run
