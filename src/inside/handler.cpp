// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// The handler, and the first-chance entry for programs that own theirs.
#include <nosigbus/runtime.h>
#include <src/inside/absorb.h>
#include <src/inside/chain.h>
#include <src/shared/actions.h>
#include <src/shared/port.h>

using namespace nosigbus;

extern "C" void nosigbus_on_signal(int signo, siginfo_t* info, void* ucontext) {
  arch::allow_misaligned_accesses();
  if (absorb(signo, *info, ucontext)) return;
  chain(signo, info, ucontext);
}

int nosigbus_handle_signal(int signo, siginfo_t* info, void* ucontext) noexcept {
  if (info == nullptr || ucontext == nullptr) return 0;
  return absorb(signo, *info, ucontext) ? 1 : 0;
}
