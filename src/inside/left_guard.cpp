// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls (and abort). Every line here is reviewed for async-signal safety.
#include <src/inside/left_guard.h>
#include <src/inside/mapping_info.h>
#include <src/shared/syscalls.h>
#include <stdlib.h>
#include <unistd.h>

namespace nosigbus {

bool in_dead_frame(const guard_point& point, uintptr_t in_use) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(&point);
  if (at >= in_use) return false;
  stack_t alternate{};
  sys::raw_syscall(SYS_sigaltstack, 0, reinterpret_cast<long>(&alternate));
  const auto on_alternate = [&alternate](uintptr_t address) {
    return address - reinterpret_cast<uintptr_t>(alternate.ss_sp) < alternate.ss_size;
  };
  if (on_alternate(at) || on_alternate(in_use)) return on_alternate(at) && on_alternate(in_use);
  mapping_info stack;
  return query_mapping(in_use, &stack) == 0 && at >= stack.begin;
}

void require_not_left(bool right) {
  if (right) return;
  constexpr char message[] =
      "nosigbus: a guard was left by longjmp, or by abandoning the stack that it was on\n";
  sys::raw_syscall(SYS_write, STDERR_FILENO, reinterpret_cast<long>(message), sizeof message - 1);
  abort();
}

}  // namespace nosigbus
