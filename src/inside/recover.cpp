// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls (and _longjmp, which is none). Every line here is reviewed for async-signal safety.

// The checked _longjmp takes a way off an alternate stack for an attack where it does not know the stack.
#undef _FORTIFY_SOURCE

#include <src/inside/recover.h>
#include <string.h>
#include <ucontext.h>

namespace nosigbus {

constinit thread_local std::atomic<recovery_point*> t_recovery_point{nullptr};
constinit thread_local std::atomic<uintptr_t> t_recovery_frame{0};

void leave_through(recovery_context& target, const void* ucontext) {
  const auto& context = *static_cast<const ucontext_t*>(ucontext);
  // The kernel's 64 signals come first in the C library's larger set.
  memcpy(&target.mask, &context.uc_sigmask, sizeof target.mask);
  target.alternate_stack = context.uc_stack;
  _longjmp(target.registers, 1);
}

}  // namespace nosigbus
