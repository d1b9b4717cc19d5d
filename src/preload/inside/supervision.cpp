// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/chain.h>
#include <src/inside/probe.h>
#include <src/preload/inside/diary.h>
#include <src/preload/inside/supervision.h>
#include <src/shared/actions.h>
#include <src/shared/port.h>
#include <src/shared/syscalls.h>

namespace nosigbus::preload {

constinit thread_local supervision* t_supervision = nullptr;

namespace {

// The alternate stack, if this code runs on it; else 0. (One with SS_AUTODISARM is none while a handler
// runs.)
uintptr_t alternate_stack() {
  stack_t stack{};
  if (sys::raw_syscall(SYS_sigaltstack, 0, reinterpret_cast<long>(&stack)) != 0) return 0;
  return (stack.ss_flags & SS_ONSTACK) != 0 ? reinterpret_cast<uintptr_t>(stack.ss_sp) : 0;
}

}  // namespace

supervision* under_supervision() {
  supervision* const now = t_supervision;
  if (now == nullptr) return nullptr;
  // The program's handler runs below the frame that called it, on the same stack, and not far. Code that
  // an exception or an unheard longjmp has led elsewhere is above it, or on another stack: an alternate one
  // can be a variable of a function that is still at work.
  constexpr uintptr_t far = uintptr_t{1} << 20;
  const uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const uintptr_t frame = reinterpret_cast<uintptr_t>(now);
  const bool near = here < frame && frame - here < far && now->self == now;
  return near && alternate_stack() == now->stack ? now : nullptr;
}

bool program_has_handler() {
  const previous_action* const action = slot_of(SIGBUS)->previous.load(std::memory_order_acquire);
  return action != nullptr && !is_default(*action) && !is_ignore(*action);
}

void end_supervision() {
  if (t_supervision == nullptr) return;
  const supervision* const now = under_supervision();
  t_supervision = nullptr;
  if (now == nullptr) return;
  diary::note_fault(now->record, now->fault->cause, UINT64_MAX,
                    now->served ? diary::outcome::zeros : diary::outcome::cured, true);
}

bool supervise(const nosigbus_fault& fault, journal_record* record, size_t granule, int signo,
               siginfo_t* info, void* ucontext, bool* served) {
  supervision now{&fault, record, t_supervision, false, alternate_stack(), &now};
  t_supervision = &now;
  chain(signo, info, ucontext);
  t_supervision = now.outer;
  now.self = nullptr;
  *served = now.served;
  const arch::machine_state state(ucontext);
  if (state.pc() != fault.pc) return true;
  const uintptr_t page = fault.address & ~(granule - 1);
  return probe::pages(page, granule, fault.access == NOSIGBUS_WRITE) == probe::answer::accessible;
}

}  // namespace nosigbus::preload
