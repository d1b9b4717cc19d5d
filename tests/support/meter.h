// SPDX-License-Identifier: MIT
//
// What something costs the process that it is done to: system calls, signals, page faults, mappings, memory,
// descriptors. Counted, with ptrace(2) and from /proc, and so the same in each run.
#pragma once

#include <cstdint>
#include <functional>

#include "child.h"

namespace test {

struct cost {
  // Between begin and end. Without reads where the kernel does not tell what is mapped at an address: how
  // many reads of /proc that takes depends on all that is mapped.
  uint64_t calls = 0;
  uint64_t signals = 0;        // SIGBUS and SIGSEGV
  uint64_t calls_at_most = 0;  // system calls of one signal's handler
  // Of the process that called begin and end; not of a program that it executed.
  bool levels_known = false;
  uint64_t page_faults = 0;
  // At the end, more than at the beginning.
  long mappings = 0, descriptors = 0;
  long memory = 0;       // kB of anonymous memory
  long page_tables = 0;  // kB
  // Whatever else the body counted.
  uint64_t counted = 0;
};

// The number of a system call that no kernel has. Calls and signals between two of them are counted, also of
// a program that the measured code executes.
inline constexpr long mark = 40404;

// Given to code that is measured.
class meter {
 public:
  explicit meter(cost* out) : out_(out) {}
  // What comes in between is measured. Once.
  void begin() const;
  void end() const;
  uint64_t& counted() const { return out_->counted; }

 private:
  cost* out_;
};

struct measured : cost {
  outcome how;  // of the child
};
// At each system call, in front of it: an attacker who knows what is about to be done, as none does.
using adversary = std::function<void(long call)>;
// Runs body in a traced child, which exits with 0 after it.
measured measure(const std::function<void(const meter&)>& body, const adversary& other = nullptr);

}  // namespace test
