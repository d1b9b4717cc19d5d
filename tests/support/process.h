// SPDX-License-Identifier: MIT
//
// Programs that are talked to in lines, may hang or die, and end with this one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "child.h"

namespace test {

class process {
 public:
  // Files for what it has to say, which are appended to; empty: output is for us to read, errors are
  // nobody's.
  struct destinations {
    std::string output, errors;
  };
  // In a process group of its own.
  explicit process(const std::vector<std::string>& command, const destinations& where = {});
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  // Kills it, and what it has started.
  ~process();

  pid_t id() const { return id_; }
  void send(const std::string& line) const;
  void close_input();
  // A line of its output; nothing when there is none within `milliseconds`, or no more.
  std::optional<std::string> line(int milliseconds);
  // The rest of its output, until it closes that or `milliseconds` are over.
  std::string rest(int milliseconds);
  // How it ended; nothing while it runs.
  std::optional<outcome> ended(int milliseconds = 0);

 private:
  // More of its output. False: there is none within `milliseconds`, or no more.
  bool read_more(int milliseconds);

  pid_t id_ = -1;
  int input_ = -1, output_ = -1;
  std::string unread_;
  std::optional<outcome> outcome_;
};

}  // namespace test
