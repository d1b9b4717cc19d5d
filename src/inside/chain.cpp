// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/chain.h>
#include <src/inside/probe.h>
#include <src/shared/actions.h>
#include <src/shared/counters.h>
#include <src/shared/port.h>
#include <src/shared/syscalls.h>

namespace nosigbus {

constinit signal_slot g_signal_slots[2] = {{SIGBUS, {}, {}, {}, {}}, {SIGSEGV, {}, {}, {}, {}}};
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

// How often this signal has come by here already.
int rounds(arch::machine_state& state) {
  int count = 0;
  for (auto* mark = static_cast<chain_mark*>(state.link());
       mark != nullptr && mark->magic == chain_mark::magic_value;
       mark = static_cast<chain_mark*>(mark->next)) {
    if (mark->owner == g_signal_slots) ++count;
  }
  return count;
}

// A fault that the kernel raised at an instruction: it kills also when it is ignored. A memory error
// that nobody consumed yet (BUS_MCEERR_AO) is advice.
bool synchronous(int signo, const siginfo_t& info) {
  return info.si_code > 0 && !(signo == SIGBUS && info.si_code == BUS_MCEERR_AO);
}

// Kills as the kernel would have: the same siginfo, delivered under the default action as soon as the
// signal frame is left, with the registers of the interrupted code. So the core shows the faulting
// instruction. Returning to let the fault repeat would do the same only if it repeats.
void default_action(int signo, const siginfo_t* info, arch::machine_state& state) {
  // Not before the frame is left, whatever mask a handler on top of ours has set; and then at once, also
  // where the signal was let through by a wait (sigsuspend) and the mask around it blocks it.
  sys::set_signal_mask(~uint64_t{0}, nullptr);
  state.set_blocked(signo, false);
  if (sys::failed(sys::set_default_action(signo))) {
    // A system call filter refuses it, and our action would meet the signal again for ever. A fault that
    // repeats while its signal is blocked kills, whatever the action (signal(7)); a signal that was sent is
    // lost.
    if (synchronous(signo, *info)) state.set_blocked(signo, true);
    return;
  }
  // A user-mode emulator takes the siginfo of a fault for a fault of its own, and aborts: without it, then.
  const bool as_sent = info->si_code <= 0;
  const bool emulated = probe::populate_nothing() == 0 || arch::below_valgrind();
  const bool queued = (as_sent || !emulated) && !sys::failed(sys::queue_to_self(signo, info));
  if (!queued && (as_sent || emulated)) {
    sys::raw_syscall(SYS_tgkill, sys::raw_syscall(SYS_getpid), sys::raw_syscall(SYS_gettid), signo);
  }
}

// Whether the kernel would reset the action before it calls the handler. It has no handler to call, and
// resets nothing, where the action is to ignore.
bool resets(const previous_action& action) {
  return (action.flags & static_cast<int>(SA_RESETHAND)) != 0 && !is_ignore(action);
}

// Carries out SA_RESETHAND; whoever loses the race meets the default action.
const previous_action& take_action(std::atomic<const previous_action*>& previous) {
  const previous_action* action = previous.load(std::memory_order_acquire);
  while (action != nullptr && resets(*action) &&
         !previous.compare_exchange_weak(action, &g_default_action, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
  }
  return action != nullptr ? *action : g_default_action;
}

// How many of the handlers that rearm has made the previous one have taken themselves away since, as handlers
// do before they raise the signal again: by putting back what they had found. That was our action, as it was
// in front of the one before. Without this they would be called for ever.
int previous_left(const signal_slot& slot) {
  if (slot.before_rearm.load(std::memory_order_acquire) == nullptr) return 0;
  arch::kernel_sigaction now{};
  if (sys::failed(sys::current_action(slot.signo, &now))) return 0;
  if (reinterpret_cast<uintptr_t>(now.handler) != reinterpret_cast<uintptr_t>(nosigbus_on_signal)) return 0;
  const uint32_t serial = static_cast<uint32_t>(now.flags);
  return static_cast<int>((slot.serial.load(std::memory_order_relaxed) - serial) & serial_flags);
}

// The action to hand the signal on to. One that has gone round meets the action that was previous before
// rearm put the other handler of the circle there: whom we called before, when that handler called us.
const previous_action& next_action(signal_slot& slot, int round) {
  switch (round) {
    case 0:
      return take_action(slot.previous);
    case 1:
      return take_action(slot.before_rearm);
    default:
      return g_default_action;
  }
}

void call(const previous_action& action, int signo, siginfo_t* info, void* ucontext) {
  arch::machine_state state(ucontext);
  chain_mark mark{chain_mark::magic_value, g_signal_slots, state.link()};
  state.link() = &mark;
  // Stack and signal mask are as the kernel would have made them, because our action has this one's flags
  // and mask (runtime.cpp). A handler without SA_SIGINFO ignores the arguments it does not know.
  action.handler(signo, info, ucontext);
  state.link() = mark.next;
}

}  // namespace

void end_by_default(int signo, const siginfo_t* info, void* ucontext) {
  arch::machine_state state(ucontext);
  default_action(signo, info, state);
}

void chain(int signo, siginfo_t* info, void* ucontext) {
  counters::add(g_counters.chained);
  signal_slot* const slot = slot_of(signo);
  arch::machine_state state(ucontext);
  const previous_action& action =
      slot == nullptr ? g_default_action : next_action(*slot, rounds(state) + previous_left(*slot));
  if (is_ignore(action) && !synchronous(signo, *info)) return;
  if (is_ignore(action) || is_default(action)) return default_action(signo, info, state);
  call(action, signo, info, ucontext);
}

}  // namespace nosigbus
