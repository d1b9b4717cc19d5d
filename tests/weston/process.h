// SPDX-License-Identifier: MIT
//
// Programs that are talked to in lines, may hang or die, and end with this one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "support/child.h"

namespace weston_test {

class process {
 public:
  // In a process group of its own. log: a file for what it has to say, instead of lines for us to read.
  explicit process(const std::vector<std::string>& command, const std::string& log = "");
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  // Kills it, and what it has started.
  ~process();

  pid_t id() const { return id_; }
  void send(const std::string& line) const;
  void close_input();
  // A line of its output; nothing when there is none within `milliseconds`, or no more.
  std::optional<std::string> line(int milliseconds);
  // How it ended; nothing while it runs.
  std::optional<test::outcome> ended(int milliseconds = 0);

 private:
  pid_t id_ = -1;
  int input_ = -1, output_ = -1;
  std::string unread_;
  std::optional<test::outcome> outcome_;
};

}  // namespace weston_test
