// SPDX-License-Identifier: MIT
//
// nosigbus-run --check: what would be protected, what would not, and why.
#pragma once

#include <string>
#include <vector>

#include "options.h"

namespace nosigbus::run {

enum class verdict { refused, guarded, unguarded, note };

struct finding {
  verdict what;
  std::string id;  // a word for programs
  std::string text;
  std::string advice{};                 // what to do; empty where there is nothing, or no need
  std::vector<std::string> subjects{};  // the files that it is about; empty: the program as a whole
};

struct check_report {
  std::string program;             // path, or the name that was not found
  int status = 0;                  // that nosigbus-run would refuse it with; 0 if it would not
  std::vector<std::string> files;  // that were looked at, the program's last; then its libraries
  std::vector<finding> findings;
};

// Runs nothing of the program. Throws failure if there is no drop-in.
check_report check(const options& asked);

// What follows from the options alone.
void check_options(const options& asked, std::vector<finding>& out);
// What the program and its libraries show. to.files: those that start it.
void check_program(const options& asked, const std::string& library, check_report& to);

// For people, in lines of at most 79 columns; for programs, in one line (docs/report.schema.json).
std::string text_check(const check_report& of, const style& in = {});
std::string json_check(const check_report& of);

}  // namespace nosigbus::run
