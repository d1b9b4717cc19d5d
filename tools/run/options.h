// SPDX-License-Identifier: MIT
//
// The command line and the environment. An option is stronger than its variable.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "style.h"

namespace nosigbus::run {

enum class report_form { text, json, none };

struct options {
  // For the drop-in, in its own words; empty where nobody said anything.
  std::string scope, io, write, own_handler;
  bool backtrace = false;

  std::string log;  // a file's name, or fd:N; empty: stderr
  report_form report = report_form::text;
  bool report_asked = false;  // somebody chose it: a report even when there is nothing in it
  bool follow = false;
  coloring color = coloring::automatic;

  bool check = false;      // --check, and run nothing
  std::string completion;  // a shell's name: nothing else is asked for

  std::vector<std::string> command;  // the program, and its arguments
};

// What it asks for; nothing after --help, --version and --completion, which it answers on stdout. Throws
// failure.
std::optional<options> parse_options(int argc, const char* const* argv);

}  // namespace nosigbus::run
