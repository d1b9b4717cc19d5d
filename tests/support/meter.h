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
  // Between begin and end.
  uint64_t calls = 0;
  uint64_t signals = 0;        // SIGBUS and SIGSEGV
  uint64_t calls_at_most = 0;  // system calls of one signal's handler
  uint64_t page_faults = 0;
  // At the end, more than at the beginning.
  long mappings = 0, descriptors = 0;
  long memory = 0;       // kB of anonymous memory
  long page_tables = 0;  // kB
  // Whatever else the body counted.
  uint64_t counted = 0;
};

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
// Runs body in a traced child, which exits with 0 after it.
measured measure(const std::function<void(const meter&)>& body);

}  // namespace test
