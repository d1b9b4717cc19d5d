// SPDX-License-Identifier: MIT
//
// Plays a scenario in a child while this process decides on each of its system calls: seccomp_unotify(2).
//
// Not by ptrace(2) or strace(1): a tracer sees each signal, too, and stands between the kernel and the
// handler that is tested; a filter's answer reaches the caller as if the kernel had given it. The filter asks
// about every call; which of them are the library's, a flag in shared memory tells, which the child sets
// around what is observed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenario.h"
#include "support/child.h"

namespace test {

struct system_call {
  int number;
  uint64_t arguments[6];
};

// Which of the observed calls fail, and how: all with a number, or the nth of them, from 0 on. (Not the nth
// of all calls: whether malloc needs a brk(2) more depends on what the parent had.)
struct failure {
  int number;
  std::optional<size_t> nth;
  int error;  // or short_result
};

// What a process has.
struct possessions {
  size_t mapped;  // bytes
  size_t descriptors;
};

struct report {
  outcome end;
  std::vector<system_call> calls;
  // How often a call was made to fail; and what could not be given back therefore.
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
