/* SPDX-License-Identifier: MIT
 *
 * Included by <nosigbus/fuzz.hpp>: the signals by which touches are noticed. What is not the kit's goes to
 * the action that was there before: the fuzzer's, the sanitizer's, nosigbus's.
 */
#ifndef NOSIGBUS_FUZZ_SIGNALS_HPP
#define NOSIGBUS_FUZZ_SIGNALS_HPP

#include <signal.h>
#include <ucontext.h>

#include <cerrno>

#include <nosigbus/fuzz/script.hpp>

NOSIGBUS_FUZZ_UNSEEN_BEGIN
namespace nosigbus::detail {

/* Buffers that live at a time. */
inline fuzz_script g_fuzz_scripts[8];

/* A signal that the kit has put a handler in front of. Written in ordinary context by a thread that has a
 * buffer to arm, before the first touch of it. */
struct fuzz_signal {
  bool installed = false;
  struct sigaction first = {}, previous = {};
};
inline fuzz_signal g_fuzz_segv, g_fuzz_trap;

/* Left in uc_link, which the kernel leaves null, while a signal is handed on, as nosigbus's handler leaves
 * one: a handler that calls ours in turn, because we were first when it came, brings it round. */
struct fuzz_mark {
  static constexpr std::uint64_t magic_value = 0x3153'5542'4749'534e;
  std::uint64_t magic;
  const void* owner;
  void* next;
};

inline void fuzz_forward(const fuzz_signal& from, int signo, siginfo_t* info, void* ucontext) noexcept {
  auto*& link = static_cast<ucontext_t*>(ucontext)->uc_link;
  bool round = false;
  for (auto* at = reinterpret_cast<fuzz_mark*>(link); at != nullptr && at->magic == fuzz_mark::magic_value;
       at = static_cast<fuzz_mark*>(at->next)) {
    round = round || at->owner == &from;
  }
  const struct sigaction& action = round ? from.first : from.previous;
  if ((action.sa_flags & SA_SIGINFO) == 0 && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)) {
    signal(signo, SIG_DFL);
    /* A fault repeats, at its instruction. What was sent, or a trap, does not. */
    if (info->si_code <= 0 || signo == SIGTRAP) raise(signo);
    return;
  }
  /* Who reports a crash may read what is closed. Who leaves by a jump has the mask that was. */
  pthread_sigmask(SIG_SETMASK, &static_cast<ucontext_t*>(ucontext)->uc_sigmask, nullptr);
  fuzz_mark mark{fuzz_mark::magic_value, &from, link};
  link = reinterpret_cast<ucontext_t*>(&mark);
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    action.sa_sigaction(signo, info, ucontext);
  } else {
    action.sa_handler(signo);
  }
  link = static_cast<ucontext_t*>(mark.next);
}

inline void fuzz_on_segv(int signo, siginfo_t* info, void* ucontext) noexcept {
  const int error = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (fuzz_script& script : g_fuzz_scripts) {
    if (info->si_code <= 0 || !script.touch(address, ucontext)) continue;
    errno = error;
    return;
  }
  fuzz_forward(g_fuzz_segv, signo, info, ucontext);
  errno = error;
}

inline void fuzz_on_trap(int signo, siginfo_t* info, void* ucontext) noexcept {
  const int error = errno;
  bool ours = false;
  for (fuzz_script& script : g_fuzz_scripts) ours = script.stepped() || ours;
  if (ours) {
    set_single_step(ucontext, false);
  } else {
    fuzz_forward(g_fuzz_trap, signo, info, ucontext);
  }
  errno = error;
}

/* Puts the handler in front, also of one that has come since. */
inline void fuzz_take_signal(fuzz_signal& signal, int signo, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction now {};
  if (sigaction(signo, nullptr, &now) != 0) fuzz_fail("hostile_buffer: sigaction");
  if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == handler) return;
  if (!signal.installed) signal.first = now;
  signal.previous = now;
  signal.installed = true;
  struct sigaction ours {};
  ours.sa_sigaction = handler;
  /* No handler of somebody else's touches what is closed while ours has a lock. */
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&ours.sa_mask);
  if (sigaction(signo, &ours, nullptr) != 0) fuzz_fail("hostile_buffer: sigaction");
}
inline void fuzz_take_signals() {
  static std::atomic_flag g_lock = ATOMIC_FLAG_INIT;
  const spin_guard guard(g_lock);
  fuzz_take_signal(g_fuzz_segv, SIGSEGV, fuzz_on_segv);
  if (can_single_step) fuzz_take_signal(g_fuzz_trap, SIGTRAP, fuzz_on_trap);
}

}  // namespace nosigbus::detail
NOSIGBUS_FUZZ_UNSEEN_END

#endif
