// SPDX-License-Identifier: MIT
//
// Plays a scenario in a child while this process decides on each of its system calls. Which of them are the
// library's, a flag in shared memory tells, which the child sets around what is observed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "failures.h"
#include "scenario.h"
#include "support/child.h"

namespace test {

// What a process has.
struct possessions {
  size_t mapped;  // bytes
  size_t descriptors;
};

struct report {
  outcome end;
  std::vector<system_call> calls;
  // How often a call was made to fail; and what could not be given back, or was mapped, therefore.
  size_t failed = 0;
  size_t unmappable = 0, unclosable = 0;
  // After it has been played a second time, without failures.
  possessions left{};
  // What was not as it should be; empty.
  std::string complaint;
};

// Twice in one process: with the failure, if any, and without.
report supervise(const scenario& what, const std::optional<failure>& how = {});

}  // namespace test
