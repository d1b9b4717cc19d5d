// SPDX-License-Identifier: MIT
//
// nosigbus-run as its users start it, in a process of its own.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/child.h"

namespace test {

using words = std::vector<std::string>;
using variables = std::vector<std::pair<std::string, std::string>>;

struct tool_result {
  outcome how;
  std::string out, err;
};

// With the stand-in for the drop-in, and no variables of ours but these.
class tool {
 public:
  // last: what its process does before it becomes the tool.
  explicit tool(const words& arguments, const variables& environment = {},
                const std::function<void()>& last = {});
  ~tool();
  tool(const tool&) = delete;
  tool& operator=(const tool&) = delete;

  pid_t pid() const { return pid_; }
  // Waits until it has written so much to stdout (stderr); false after ten seconds.
  bool wrote(const std::string& text) const;
  bool reported(const std::string& text) const;
  tool_result finish(int seconds = 20);

 private:
  pid_t pid_;
  int out_, err_;
};

inline tool_result run_tool(const words& arguments, const variables& environment = {}) {
  return tool(arguments, environment).finish();
}

// The program that does what its arguments say (subject.cpp), for the command line.
words subject(const words& options, const words& arguments);

}  // namespace test
