// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <context.h>
#include <src/inside/chain.h>
#include <src/shared/actions.h>
#include <src/shared/counters.h>
#include <src/shared/syscalls.h>

namespace nosigbus {

constinit signal_slot g_signal_slots[2] = {{SIGBUS, {}, {}}, {SIGSEGV, {}, {}}};
constinit std::atomic<unsigned> g_install_flags{0};

namespace {

// Two handlers can come to call each other: somebody installs one on top that chains to ours, and rearm
// puts ours on top of that. A signal carries a mark of each copy of the library that is handing it on,
// as a list through its uc_link, which the kernel leaves null and ignores. Finding our own mark means
// that the signal has gone round. The mark is gone with the frame, also when a handler leaves by longjmp.
struct chain_mark {
  static constexpr uint64_t magic_value = 0x3153'5542'4749'534e;  // "NSIGBUS1"
  uint64_t magic;
  const void* owner;
  void* next;
};

bool went_round(arch::machine_state& state) {
  for (auto* mark = static_cast<chain_mark*>(state.link());
       mark != nullptr && mark->magic == chain_mark::magic_value;
       mark = static_cast<chain_mark*>(mark->next)) {
    if (mark->owner == g_signal_slots) return true;
  }
  return false;
}

// A fault that the kernel raised at an instruction: it kills also when it is ignored. A memory error
// that nobody consumed yet (BUS_MCEERR_AO) is advice.
bool synchronous(int signo, const siginfo_t& info) {
  return info.si_code > 0 && !(signo == SIGBUS && info.si_code == BUS_MCEERR_AO);
}

// Kills as the kernel would have: the same siginfo, delivered under the default action as soon as we
// return and the mask is the interrupted code's again. So the core shows the faulting instruction.
// Returning to let the fault repeat would do the same only if it repeats.
void default_action(int signo, const siginfo_t* info) {
  sys::set_default_action(signo);
  if (sys::failed(sys::queue_to_self(signo, info)) && info->si_code <= 0) {
    sys::raw_syscall(SYS_tgkill, sys::raw_syscall(SYS_getpid), sys::raw_syscall(SYS_gettid), signo);
  }
}

// Whether the kernel would reset the action before it calls the handler. It has no handler to call, and
// resets nothing, where the action is to ignore.
bool resets(const previous_action& action) {
  return (action.flags & static_cast<int>(SA_RESETHAND)) != 0 && !is_ignore(action);
}

// The previous action. Carries out SA_RESETHAND; whoever loses the race meets the default action.
const previous_action& take_action(signal_slot& slot) {
  const previous_action* action = slot.previous.load(std::memory_order_acquire);
  while (action != nullptr && resets(*action) &&
         !slot.previous.compare_exchange_weak(action, &g_default_action, std::memory_order_acq_rel,
                                              std::memory_order_acquire)) {
  }
  return action != nullptr ? *action : g_default_action;
}

void call(const previous_action& action, int signo, siginfo_t* info, void* ucontext) {
  arch::machine_state state(ucontext);
  chain_mark mark{chain_mark::magic_value, g_signal_slots, state.link()};
  state.link() = &mark;
  uint64_t mask = state.blocked() | action.mask;
  if ((action.flags & SA_NODEFER) == 0) mask |= uint64_t{1} << (signo - 1);
  uint64_t old_mask;
  sys::set_signal_mask(mask, &old_mask);
  // A handler without SA_SIGINFO ignores the arguments it does not know, as when the kernel passes them.
  // It is on the stack where the kernel would have put it: our action has its SA_ONSTACK.
  action.handler(signo, info, ucontext);
  // For a handler on top of ours that called us; the kernel restores the interrupted code's mask anyway.
  sys::set_signal_mask(old_mask, nullptr);
  state.link() = mark.next;
}

}  // namespace

void chain(int signo, siginfo_t* info, void* ucontext) {
  counters::add(g_counters.chained);
  signal_slot* const slot = slot_of(signo);
  arch::machine_state state(ucontext);
  if (slot == nullptr || went_round(state)) return default_action(signo, info);
  const previous_action& action = take_action(*slot);
  if (is_ignore(action) && !synchronous(signo, *info)) return;
  if (is_ignore(action) || is_default(action)) return default_action(signo, info);
  call(action, signo, info, ucontext);
}

}  // namespace nosigbus
