// SPDX-License-Identifier: MIT
//
// Which code addresses of another process mean.
#pragma once

#include <sys/types.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "mapping.h"

namespace nosigbus::run {

// What processes have mapped can be asked while they live, and an address looked up as long as that is known.
class modules {
 public:
  // Remembers what it has mapped now, for the case that it is gone when somebody asks.
  void remember(pid_t pid);
  // Where each caller is: by what the process has mapped now; else by what is remembered of it. What is not
  // known stays empty.
  std::vector<frame> describe(pid_t pid, const std::vector<uint64_t>& callers);

 private:
  std::unordered_map<pid_t, std::string> maps_;
};

}  // namespace nosigbus::run
