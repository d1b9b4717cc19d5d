// SPDX-License-Identifier: MIT
//
// The signals we handle, and the actions that were in place before ours.
#pragma once

#include <signal.h>
#include <stdint.h>

#include <atomic>

namespace nosigbus {

// A previous action. Immutable once published, never freed.
struct previous_action {
  void (*handler)(int, siginfo_t*, void*);  // or SIG_DFL, SIG_IGN
  int flags;
  uint64_t mask;
  const previous_action* next;  // of all there are
};

inline constexpr previous_action g_default_action{};

inline bool is_default(const previous_action& action) {
  return reinterpret_cast<uintptr_t>(action.handler) == reinterpret_cast<uintptr_t>(SIG_DFL);
}
inline bool is_ignore(const previous_action& action) {
  return reinterpret_cast<uintptr_t>(action.handler) == reinterpret_cast<uintptr_t>(SIG_IGN);
}

// For SIGBUS and SIGSEGV each. Written by install/rearm/uninstall under their mutex, and once by a
// handler that carries out SA_RESETHAND (compare-and-swap to the default action). Read by handlers
// (acquire, pairs with the writers' release). Null: never installed.
struct signal_slot {
  int signo;
  std::atomic<const previous_action*> previous;
  // What `previous` was before the last rearm; otherwise as that.
  std::atomic<const previous_action*> before_rearm;
  // Our action is (or was, when displaced) in place. Written under install's mutex; relaxed.
  std::atomic<bool> taken;
  // Of our action, as it was put in place last: what it has of serial_flags. Written before it is, under
  // install's mutex; read by handlers, relaxed: who meets a change in the middle hands a signal to the one of
  // two that is leaving, or has just come.
  std::atomic<uint32_t> serial;
};

// Flags that mean something for SIGCHLD alone, and that the kernel keeps: by them our action says which of
// those that rearm has put in place it is. They count, and begin again after 3.
inline constexpr uint32_t serial_flags = SA_NOCLDSTOP | SA_NOCLDWAIT;
static_assert(serial_flags == 3);

extern constinit signal_slot g_signal_slots[2];

inline signal_slot* slot_of(int signo) {
  for (signal_slot& slot : g_signal_slots) {
    if (slot.signo == signo) return &slot;
  }
  return nullptr;
}

// NOSIGBUS_* flags of nosigbus_install. Written under its mutex, read by handlers; relaxed: a fault that
// races the call that opts in may be seen either way.
extern constinit std::atomic<unsigned> g_install_flags;

}  // namespace nosigbus

// Our handler for all signals, as given to sigaction.
extern "C" __attribute__((visibility("hidden"))) void nosigbus_on_signal(int signo, siginfo_t* info,
                                                                         void* ucontext);
