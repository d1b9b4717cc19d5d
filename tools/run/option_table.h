// SPDX-License-Identifier: MIT
//
// What can be said on the command line, once: the parser, --help and the completions of the shells are made
// of it.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace nosigbus::run {

enum class argument_kind { nothing, one_of, file };

struct option_row {
  const char* name;  // behind the dashes
  const char* group;
  const char* argument;  // as --help shows it; of one_of: the words, with | between them
  const char* help;      // fits the rest of --help's line
  argument_kind kind;
  bool has_variable;
};

// In the order of --help, groups together.
std::span<const option_row> option_table();

// --name
std::string spelling(const option_row& of);
// NOSIGBUS_NAME; empty of what can only be said on the command line.
std::string variable(const option_row& of);
// Of one_of.
std::vector<std::string> words(const option_row& of);

// Of a screen of 24 lines of 80 columns.
std::string help_text();

// For bash, zsh or fish.
std::string completion(const std::string& shell);

}  // namespace nosigbus::run
