// SPDX-License-Identifier: MIT
//
// Plays the start of a program by nosigbus-run, in processes of its own, while this process decides on their
// system calls.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "failures.h"
#include "run/tool.h"

namespace test {

// Whose system calls they are. In each, those of the dynamic loader are nobody's; of the program they are
// those of the drop-in until the program itself begins.
enum class caller { tool, child_before_exec, drop_in };
inline constexpr caller callers[] = {caller::tool, caller::child_before_exec, caller::drop_in};
std::string name_of(caller who);

struct start_failure {
  caller who;
  failure how;
};

struct start_report {
  tool_result result;
  std::map<caller, std::vector<system_call>> calls;
  size_t failed = 0;
  bool endless = false;
};

// nosigbus-run with these arguments.
start_report start_supervised(const words& arguments, const std::optional<start_failure>& what = {});

}  // namespace test
