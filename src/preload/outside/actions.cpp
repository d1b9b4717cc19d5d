// SPDX-License-Identifier: MIT
//
// The program's signal actions. That for SIGBUS is kept for it, ours stays in place, and where writes are
// passed on that for SIGSEGV; SIGBUS is taken out of the masks of all others, so that their handlers can be
// interrupted by it.
#include <errno.h>
#include <src/outside/actions.h>
#include <src/preload/inside/handler.h>
#include <src/preload/inside/supervision.h>
#include <src/preload/outside/actions.h>
#include <src/preload/outside/real.h>
#include <src/preload/state.h>
#include <src/shared/actions.h>

namespace nosigbus::preload {

namespace {

constinit real<int(int, const struct sigaction*, struct sigaction*)> g_sigaction("sigaction");
constinit real<int(int, int)> g_siginterrupt("siginterrupt");

// Those that siginterrupt wants to interrupt system calls, for signal. Relaxed, no partner.
constinit std::atomic<uint64_t> g_interrupting{0};

// Of which signals' actions the program's mask has SIGBUS in it. Relaxed, no partner: a query that races a
// change may find either.
constinit std::atomic<uint64_t> g_blocking{0};

// Ours is in front of the program's.
bool is_taken(int signo) {
  const signal_slot* const slot = slot_of(signo);
  return slot != nullptr && slot->previous.load(std::memory_order_acquire) != nullptr;
}

// What the program's handler took the place of, outside of itself. Written under books; relaxed, no partner:
// who reads it without a lock is that handler, and there is no older order to keep.
constinit std::atomic<const previous_action*> g_before_handler{nullptr};

// The kernel treats the thread as the program's handler wants it, but that a fault in that handler is ours.
struct sigaction action_in_front_of(int signo, const previous_action& action) {
  struct sigaction ours = actions::in_front_of(action, nosigbus_preload_on_signal);
  if (signo == SIGBUS && !is_default(action) && !is_ignore(action)) ours.sa_flags |= SA_NODEFER;
  sigdelset(&ours.sa_mask, SIGBUS);
  return ours;
}

// Where the kernel refuses, all is as it was.
int set_ours(int signo, const previous_action& action) {
  std::atomic<const previous_action*>& kept = slot_of(signo)->previous;
  const previous_action* const before = kept.load(std::memory_order_relaxed);
  kept.store(&action, std::memory_order_release);
  const struct sigaction ours = action_in_front_of(signo, action);
  const int result = g_sigaction(signo, &ours, nullptr);
  if (result != 0) kept.store(before, std::memory_order_release);
  return result;
}

bool same(const previous_action& one, const previous_action& other) {
  return one.handler == other.handler && one.flags == other.flags && one.mask == other.mask;
}

// The handler under supervision makes room for what kills, or for whom it has displaced. Whatever else it
// puts in its place is to be called next time: itself, most often, after SA_RESETHAND.
bool gives_up(const previous_action& fresh) {
  const previous_action* const before = g_before_handler.load(std::memory_order_relaxed);
  return is_default(fresh) || is_ignore(fresh) || (before != nullptr && same(fresh, *before));
}

int put_in_place(int signo, const previous_action& fresh, const previous_action& before) {
  const bool of_supervised = signo == SIGBUS && under_supervision() != nullptr;
  if (of_supervised && gives_up(fresh)) return 0;
  const books_lock lock;
  const previous_action* const displaced = g_before_handler.load(std::memory_order_relaxed);
  if (signo == SIGBUS && !of_supervised && !same(fresh, before)) {
    g_before_handler.store(&before, std::memory_order_relaxed);
  }
  const int result = set_ours(signo, fresh);
  if (result != 0) g_before_handler.store(displaced, std::memory_order_relaxed);
  return result;
}

int act_on_taken(int signo, const struct sigaction* action, struct sigaction* old) {
  const previous_action* const before = slot_of(signo)->previous.load(std::memory_order_acquire);
  int result = 0;
  if (action != nullptr) {
    struct sigaction kept = *action;
    // As the kernel keeps it.
    sigdelset(&kept.sa_mask, SIGKILL);
    sigdelset(&kept.sa_mask, SIGSTOP);
    const previous_action* const fresh = actions::intern(kept);
    if (fresh == nullptr) {
      errno = ENOMEM;
      return -1;
    }
    result = put_in_place(signo, *fresh, *before);
  }
  // Last: it may be the same object.
  if (result == 0 && old != nullptr) *old = actions::to_sigaction(*before);
  return result;
}

uint64_t bit_of(int signo) { return signo > 0 && signo <= 64 ? uint64_t{1} << (signo - 1) : 0; }

int act_on_other(int signo, const struct sigaction* action, struct sigaction* old) {
  const uint64_t bit = bit_of(signo);
  struct sigaction open {};
  if (action != nullptr) {
    open = *action;
    sigdelset(&open.sa_mask, SIGBUS);
  }
  const bool blocked = (g_blocking.load(std::memory_order_relaxed) & bit) != 0;
  const bool blocks = action != nullptr && sigismember(&action->sa_mask, SIGBUS) == 1;
  const int result = g_sigaction(signo, action == nullptr ? nullptr : &open, old);
  if (result != 0) return result;
  if (old != nullptr && blocked) sigaddset(&old->sa_mask, SIGBUS);
  if (action != nullptr) {
    blocks ? g_blocking.fetch_or(bit, std::memory_order_relaxed)
           : g_blocking.fetch_and(~bit, std::memory_order_relaxed);
  }
  return 0;
}

}  // namespace

void look_up_actions() { look_up(g_sigaction, g_siginterrupt); }

int take_signal(int signo) {
  struct sigaction current;
  if (g_sigaction(signo, nullptr, &current) != 0) return -errno;
  const previous_action* const previous = actions::intern(current);
  return previous == nullptr || set_ours(signo, *previous) != 0 ? -ENOMEM : 0;
}

int change_action(int signo, const struct sigaction* action, struct sigaction* old) {
  // Before we are ready, and where memory is the parent's: as if we were not there.
  if (g_state == nullptr || in_vfork_child()) return g_sigaction(signo, action, old);
  return is_taken(signo) ? act_on_taken(signo, action, old) : act_on_other(signo, action, old);
}

}  // namespace nosigbus::preload

using namespace nosigbus::preload;

namespace {

using handler = void (*)(int);

handler install(int signo, handler function, int flags, bool blocks_itself) {
  if (function == SIG_ERR) {
    errno = EINVAL;
    return SIG_ERR;
  }
  struct sigaction action {
  }, old{};
  action.sa_handler = function;
  action.sa_flags = flags;
  if (blocks_itself) sigaddset(&action.sa_mask, signo);
  return change_action(signo, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

}  // namespace

NOSIGBUS_WRAPPER int sigaction(int signo, const struct sigaction* action, struct sigaction* old) noexcept {
  return change_action(signo, action, old);
}

// As the C library exports it, too.
// NOLINTNEXTLINE(readability-identifier-naming)
NOSIGBUS_WRAPPER int __sigaction(int signo, const struct sigaction* action, struct sigaction* old) noexcept {
  return change_action(signo, action, old);
}

NOSIGBUS_WRAPPER handler signal(int signo, handler function) noexcept {
  const bool interrupts = (g_interrupting.load(std::memory_order_relaxed) & bit_of(signo)) != 0;
  return install(signo, function, interrupts ? 0 : SA_RESTART, true);
}
NOSIGBUS_WRAPPER handler bsd_signal(int signo, handler function) noexcept { return signal(signo, function); }
NOSIGBUS_WRAPPER handler ssignal(int signo, handler function) noexcept { return signal(signo, function); }

// signal(2), "Portability": System V's way.
NOSIGBUS_WRAPPER handler sysv_signal(int signo, handler function) noexcept {
  return install(signo, function, static_cast<int>(SA_RESETHAND) | SA_NODEFER, false);
}
NOSIGBUS_WRAPPER handler __sysv_signal(int signo, handler function) noexcept {
  return sysv_signal(signo, function);
}

NOSIGBUS_WRAPPER int sigignore(int signo) noexcept {
  return install(signo, SIG_IGN, 0, false) == SIG_ERR ? -1 : 0;
}

NOSIGBUS_WRAPPER int siginterrupt(int signo, int interrupt) noexcept {
  const int result = g_siginterrupt(signo, interrupt);
  if (result != 0 || g_state == nullptr || in_vfork_child()) return result;
  interrupt != 0 ? g_interrupting.fetch_or(bit_of(signo), std::memory_order_relaxed)
                 : g_interrupting.fetch_and(~bit_of(signo), std::memory_order_relaxed);
  struct sigaction action;
  if (!is_taken(signo) || change_action(signo, nullptr, &action) != 0) return result;
  interrupt != 0 ? action.sa_flags &= ~SA_RESTART : action.sa_flags |= SA_RESTART;
  return change_action(signo, &action, nullptr);
}

// System V's: what it says of the mask is a signal's disposition.
NOSIGBUS_WRAPPER handler sigset(int signo, handler function) noexcept {
  sigset_t only, before;
  sigemptyset(&only);
  if (function == SIG_ERR || sigaddset(&only, signo) != 0) {
    errno = EINVAL;
    return SIG_ERR;
  }
  struct sigaction old {};
  if (function == SIG_HOLD) {
    if (change_action(signo, nullptr, &old) != 0 || sigprocmask(SIG_BLOCK, &only, &before) != 0)
      return SIG_ERR;
  } else {
    struct sigaction action {};
    action.sa_handler = function;
    if (change_action(signo, &action, &old) != 0 || sigprocmask(SIG_UNBLOCK, &only, &before) != 0)
      return SIG_ERR;
  }
  return sigismember(&before, signo) == 1 ? SIG_HOLD : old.sa_handler;
}
