// SPDX-License-Identifier: MIT
//
// A part of an input that runs in a process of its own, and what it reached there.
#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "support/check.h"
#include "support/features.h"

namespace fuzz {

// The compiler's counters of what was executed, where there are any (counters.cpp).
struct counters {
  uint8_t* begin;
  size_t count;
};
counters compiler_counters();

// Memory that children of this process share with it; zeros.
template <class What>
What& shared_memory(size_t count = 1) {
  void* const memory =
      mmap(nullptr, count * sizeof(What), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  FUZZ_CHECK(memory != MAP_FAILED);
  return *static_cast<What*>(memory);
}

// What a child reached, for its parent's fuzzer.
class reached_elsewhere {
 public:
  static reached_elsewhere& get() {
    static reached_elsewhere g_all;
    return g_all;
  }
  // In the child, at its end.
  void keep() const {
    memcpy(memory_, g_features, sizeof g_features);
    const counters of_compiler = compiler_counters();
    if (of_compiler.count != 0) memcpy(memory_ + sizeof g_features, of_compiler.begin, of_compiler.count);
  }
  // In the parent, when the child has ended.
  void collect() const {
    for (size_t i = 0; i < sizeof g_features; ++i) g_features[i] |= memory_[i];
    const counters of_compiler = compiler_counters();
    for (size_t i = 0; i < of_compiler.count; ++i) of_compiler.begin[i] |= memory_[sizeof g_features + i];
    memset(memory_, 0, size());
  }

 private:
  reached_elsewhere() : memory_(&shared_memory<uint8_t>(size())) {}
  static size_t size() { return sizeof g_features + compiler_counters().count; }

  uint8_t* const memory_;
};

// A fuzzer's timer interrupts system calls.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// As wait(2) has it; 0: it came to its end.
template <class Body>
int run_in_child(Body body) {
  const reached_elsewhere& reached = reached_elsewhere::get();
  const pid_t child = fork();
  FUZZ_CHECK(child >= 0);
  if (child == 0) {
    body();
    reached.keep();
    _exit(0);
  }
  int status = 0;
  FUZZ_CHECK(uninterrupted([&] { return waitpid(child, &status, 0); }) == child);
  reached.collect();
  return status;
}

}  // namespace fuzz
