// SPDX-License-Identifier: MIT
//
// Runs code inside a signal's handler.
#pragma once

#include <signal.h>

#include <functional>
#include <vector>

#include "child.h"

namespace test {

inline thread_local const std::function<void()>* t_in_handler;

inline void in_handler(const std::function<void()>& body, int flags) {
  struct sigaction action {};
  action.sa_handler = [](int) { (*t_in_handler)(); };
  action.sa_flags = flags;
  CHILD_CHECK(sigaction(SIGUSR1, &action, nullptr) == 0);
  t_in_handler = &body;
  raise(SIGUSR1);
}

// In a handler on the thread's own stack.
inline void on_own_stack_in_handler(const std::function<void()>& body) { in_handler(body, 0); }

// On the thread's own stack, while handlers with SA_ONSTACK have another.
inline void with_alternate_stack(void* memory, size_t size, const std::function<void()>& body) {
  stack_t before, stack{};
  stack.ss_sp = memory;
  stack.ss_size = size;
  CHILD_CHECK(sigaltstack(&stack, &before) == 0);
  body();
  CHILD_CHECK(sigaltstack(&before, nullptr) == 0);
}
inline void with_alternate_stack(const std::function<void()>& body) {
  std::vector<unsigned char> memory(size_t{1} << 20);
  with_alternate_stack(memory.data(), memory.size(), body);
}

// In a handler on an alternate stack.
inline void on_alternate_stack(const std::function<void()>& body) {
  with_alternate_stack([&] { in_handler(body, SA_ONSTACK); });
}

}  // namespace test
