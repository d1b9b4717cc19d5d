// SPDX-License-Identifier: MIT
//
// The program's signal masks, without SIGBUS: a fault on a thread that blocks it kills, whoever handles it.
// What the program asked for is remembered and told when it asks.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <src/preload/outside/real.h>
#include <src/preload/state.h>
#include <src/shared/syscalls.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>

using namespace nosigbus::preload;

namespace {

// A mask as the kernel is to see it. Null where the program gave none.
class open_mask {
 public:
  explicit open_mask(const sigset_t* asked) : given_(asked != nullptr) {
    if (!given_) return;
    mask_ = *asked;
    sigdelset(&mask_, SIGBUS);
  }
  const sigset_t* get() const { return given_ ? &mask_ : nullptr; }

 private:
  sigset_t mask_;
  const bool given_;
};

bool has_sigbus(const sigset_t* set) { return sigismember(set, SIGBUS) == 1; }

void remember(int how, const sigset_t* set) {
  if (how == SIG_SETMASK) {
    t_sigbus_blocked = has_sigbus(set);
  } else if (has_sigbus(set)) {
    t_sigbus_blocked = how == SIG_BLOCK;
  }
}

}  // namespace

void nosigbus::preload::open_held_mask() {
  if (!t_sigbus_held || in_vfork_child()) return;
  uint64_t pending = 0;
  nosigbus::sys::raw_syscall(SYS_rt_sigpending, reinterpret_cast<long>(&pending), sizeof pending);
  if ((pending & sigbus_bit) != 0) return;
  t_sigbus_held = false;  // before: the handler says so if another one arrives
  nosigbus::sys::change_signal_mask(SIG_UNBLOCK, sigbus_bit, nullptr);
}

namespace {

using change_mask = int(int, const sigset_t*, sigset_t*);

// As sigprocmask(2), by either of its names.
int change(real<change_mask>& function, int how, const sigset_t* set, sigset_t* old) {
  if (g_state == nullptr || in_vfork_child()) return function(how, set, old);
  const bool before = t_sigbus_blocked;
  // Out of the mask in force as well, where a handler of ours had to leave it there (hold_back).
  const bool opens = set != nullptr && how == SIG_UNBLOCK;
  const open_mask open(set);
  // First: what was held back is delivered by the call, and is the program's then, or the handler's to hold
  // again.
  if (set != nullptr) remember(how, set);
  if (opens ? has_sigbus(set) : set != nullptr && how == SIG_SETMASK) t_sigbus_held = false;
  const int result = function(how, opens ? set : open.get(), old);
  if (result != 0) t_sigbus_blocked = before;
  open_held_mask();
  if (result == 0 && old != nullptr && before) sigaddset(old, SIGBUS);
  return result;
}

constinit real<change_mask> g_sigprocmask("sigprocmask"), g_pthread_sigmask("pthread_sigmask");
constinit real<int(const sigset_t*)> g_sigsuspend("sigsuspend");
constinit real<int(pollfd*, nfds_t, const timespec*, const sigset_t*)> g_ppoll("ppoll");
constinit real<int(pollfd*, nfds_t, const timespec*, const sigset_t*, size_t)> g_ppoll_chk("__ppoll_chk");
constinit real<int(int, fd_set*, fd_set*, fd_set*, const timespec*, const sigset_t*)> g_pselect("pselect");
constinit real<int(int, epoll_event*, int, int, const sigset_t*)> g_epoll_pwait("epoll_pwait");
constinit real<int(int, epoll_event*, int, const timespec*, const sigset_t*)> g_epoll_pwait2("epoll_pwait2");
constinit real<int(const sigset_t*, int*)> g_sigwait("sigwait");
constinit real<int(const sigset_t*, siginfo_t*)> g_sigwaitinfo("sigwaitinfo");
constinit real<int(const sigset_t*, siginfo_t*, const timespec*)> g_sigtimedwait("sigtimedwait");
using thread_function = void*(void*);
constinit real<int(pthread_t*, const pthread_attr_t*, thread_function*, void*)> g_pthread_create(
    "pthread_create");

}  // namespace

void nosigbus::preload::look_up_masks() {
  look_up(g_sigprocmask, g_pthread_sigmask, g_sigsuspend, g_ppoll, g_ppoll_chk, g_pselect, g_epoll_pwait,
          g_epoll_pwait2, g_sigwait, g_sigwaitinfo, g_sigtimedwait, g_pthread_create);
}

NOSIGBUS_WRAPPER int sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  return change(g_sigprocmask, how, set, old);
}
NOSIGBUS_WRAPPER int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  return change(g_pthread_sigmask, how, set, old);
}

// Waits. They can be cancelled: what stands in their frames has no destructor.
namespace {

// A wait that unblocks SIGBUS ends by one that was held back. It has to be blocked until the kernel waits:
// one that is delivered before would be missed.
template <class Wait>
int wait_with(const sigset_t* mask, Wait wait) {
  const open_mask open(mask);
  if (mask == nullptr || !t_sigbus_blocked || has_sigbus(mask)) return wait(open.get());
  nosigbus::sys::change_signal_mask(SIG_BLOCK, sigbus_bit, nullptr);
  t_sigbus_blocked = false;
  const int result = wait(open.get());
  t_sigbus_blocked = true;
  t_sigbus_held = false;
  nosigbus::sys::change_signal_mask(SIG_UNBLOCK, sigbus_bit, nullptr);
  return result;
}

}  // namespace

NOSIGBUS_WRAPPER int sigsuspend(const sigset_t* mask) {
  return wait_with(mask, [](const sigset_t* open) { return g_sigsuspend(open); });
}
NOSIGBUS_WRAPPER int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return wait_with(mask, [=](const sigset_t* open) { return g_ppoll(fds, count, timeout, open); });
}
// As programs built with _FORTIFY_SOURCE call it.
NOSIGBUS_WRAPPER int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask,
                                 size_t size) {
  return wait_with(mask, [=](const sigset_t* open) { return g_ppoll_chk(fds, count, timeout, open, size); });
}
NOSIGBUS_WRAPPER int pselect(int count, fd_set* readable, fd_set* writable, fd_set* special,
                             const timespec* timeout, const sigset_t* mask) {
  return wait_with(mask, [=](const sigset_t* open) {
    return g_pselect(count, readable, writable, special, timeout, open);
  });
}
NOSIGBUS_WRAPPER int epoll_pwait(int epoll, epoll_event* events, int most, int timeout,
                                 const sigset_t* mask) {
  return wait_with(mask,
                   [=](const sigset_t* open) { return g_epoll_pwait(epoll, events, most, timeout, open); });
}
NOSIGBUS_WRAPPER int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* timeout,
                                  const sigset_t* mask) {
  return wait_with(mask,
                   [=](const sigset_t* open) { return g_epoll_pwait2(epoll, events, most, timeout, open); });
}

// Takes what was held back, if it is that.
NOSIGBUS_WRAPPER int sigwait(const sigset_t* set, int* signo) {
  const int error = g_sigwait(set, signo);
  open_held_mask();
  return error;
}
NOSIGBUS_WRAPPER int sigwaitinfo(const sigset_t* set, siginfo_t* info) {
  const int signo = g_sigwaitinfo(set, info);
  open_held_mask();
  return signo;
}
NOSIGBUS_WRAPPER int sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  const int signo = g_sigtimedwait(set, info, timeout);
  open_held_mask();
  return signo;
}

// A new thread has its creator's mask, as the program believes that to be, or that of its attributes, which
// keep what they were given.
namespace {

struct beginning {
  thread_function* function;
  void* argument;
};

void* begin_blocked(void* given) {
  const beginning own = *static_cast<beginning*>(given);
  free(given);
  t_sigbus_blocked = true;
  nosigbus::sys::change_signal_mask(SIG_UNBLOCK, sigbus_bit, nullptr);
  return own.function(own.argument);
}

}  // namespace

NOSIGBUS_WRAPPER int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                    thread_function* function, void* argument) noexcept {
  sigset_t mask;
  const bool has_mask =
      attributes != nullptr && pthread_attr_getsigmask_np(attributes, &mask) != PTHREAD_ATTR_NO_SIGMASK_NP;
  const bool blocks = has_mask ? has_sigbus(&mask) : t_sigbus_blocked;
  if (!blocks || g_state == nullptr) return g_pthread_create(thread, attributes, function, argument);
  auto* const given = static_cast<beginning*>(malloc(sizeof(beginning)));
  if (given == nullptr) return EAGAIN;
  *given = {function, argument};
  const int error = g_pthread_create(thread, attributes, begin_blocked, given);
  if (error != 0) free(given);
  return error;
}

// The old interfaces (sigvec(3), sigset(3)). Masks of 32 bits.
namespace {

int to_old_mask(const sigset_t& set) {
  unsigned mask = 0;
  for (int signo = 1; signo <= 32; ++signo) {
    if (sigismember(&set, signo) == 1) mask |= 1u << (signo - 1);
  }
  return static_cast<int>(mask);
}

int change_by_old_mask(int how, int mask) {
  sigset_t set, old;
  sigemptyset(&set);
  for (int signo = 1; signo <= 32; ++signo) {
    if ((static_cast<unsigned>(mask) & 1u << (signo - 1)) != 0) sigaddset(&set, signo);
  }
  return sigprocmask(how, &set, &old) == 0 ? to_old_mask(old) : -1;
}

int change_one(int how, int signo) {
  sigset_t set;
  sigemptyset(&set);
  return sigaddset(&set, signo) != 0 ? -1 : sigprocmask(how, &set, nullptr);
}

}  // namespace

NOSIGBUS_WRAPPER int sigblock(int mask) noexcept { return change_by_old_mask(SIG_BLOCK, mask); }
NOSIGBUS_WRAPPER int sigsetmask(int mask) noexcept { return change_by_old_mask(SIG_SETMASK, mask); }
NOSIGBUS_WRAPPER int sighold(int signo) noexcept { return change_one(SIG_BLOCK, signo); }
NOSIGBUS_WRAPPER int sigrelse(int signo) noexcept { return change_one(SIG_UNBLOCK, signo); }
