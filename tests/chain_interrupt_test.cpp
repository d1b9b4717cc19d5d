// SPDX-License-Identifier: MIT
//
// Sent signals that meet a system call at work: it is interrupted or restarted as without nosigbus, and
// the handler runs with the mask that the system call has put in place.
#include <doctest/doctest.h>
#include <errno.h>
#include <nosigbus/runtime.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "support/child.h"
#include "support/no_qemu.h"
#include "support/shared_file.h"

namespace {

using namespace test;

enum class call { read_pipe, poll_pipe, sleep, suspend, ppoll, epoll_pwait };
constexpr call blocking_calls[] = {call::read_pipe, call::poll_pipe, call::sleep};
constexpr call masking_calls[] = {call::suspend, call::ppoll, call::epoll_pwait};

// Compared as bytes.
struct seen {
  int64_t result, error_number, calls;
  uint64_t mask, saved_mask, mask_after;
};

seen* g_seen = nullptr;
std::atomic<int> g_done{0};

uint64_t bits(const sigset_t& set) {
  uint64_t value;
  memcpy(&value, &set, sizeof value);
  return value;
}

uint64_t current_mask() {
  sigset_t set;
  pthread_sigmask(SIG_SETMASK, nullptr, &set);
  return bits(set);
}

void handler(int, siginfo_t*, void* ucontext) {
  ++g_seen->calls;
  g_seen->mask = current_mask();
  g_seen->saved_mask = bits(static_cast<ucontext_t*>(ucontext)->uc_sigmask);
}

struct previous {
  void (*function)(int, siginfo_t*, void*);  // null: SIG_IGN
  int flags;
};

void set_previous(const previous& p, bool with_library) {
  struct sigaction action {};
  action.sa_sigaction = p.function;
  if (p.function == nullptr) action.sa_handler = SIG_IGN;
  action.sa_flags = p.flags;
  sigaddset(&action.sa_mask, SIGUSR2);
  CHILD_CHECK(sigaction(SIGBUS, &action, nullptr) == 0);
  if (with_library) CHILD_CHECK(nosigbus_install(0) == 0);
}

// Runs fn in a child with memory for what it sees.
template <class F>
seen observe(F fn) {
  auto* const memory = static_cast<seen*>(
      mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  g_seen = memory;
  g_done = 0;
  CHECK(in_child([&] {
          fn();
          return 0;
        }) == exited(0));
  const seen result = *memory;
  munmap(memory, page_size());
  return result;
}

// "S" once the thread sleeps in a system call, with nothing sent to it that it has not looked at.
bool asleep(pid_t thread) {
  char path[64], text[4096] = {};
  snprintf(path, sizeof path, "/proc/self/task/%d/status", thread);
  FILE* const file = fopen(path, "re");
  CHILD_CHECK(file != nullptr);
  CHILD_CHECK(fread(text, 1, sizeof text - 1, file) > 0);
  fclose(file);
  return strstr(text, "State:\tS") != nullptr && strstr(text, "SigPnd:\t0000000000000000") != nullptr;
}

void wait_until_asleep(pid_t thread) {
  while (g_done == 0 && !asleep(thread)) std::this_thread::yield();
}

int64_t enter(call what, int in) {
  char byte;
  pollfd item{in, POLLIN, 0};
  timespec half_a_minute{30, 0};
  switch (what) {
    case call::read_pipe:
      return read(in, &byte, 1);
    case call::poll_pipe:
      return poll(&item, 1, 30'000);
    default:
      return nanosleep(&half_a_minute, nullptr);
  }
}

// Sends SIGBUS to a thread in a system call, then lets the system call succeed if it still goes on.
void interrupt(call what, const previous& p, bool with_library) {
  set_previous(p, with_library);
  int ends[2];
  CHILD_CHECK(pipe(ends) == 0);
  const pid_t main_thread = static_cast<pid_t>(syscall(SYS_gettid));
  const pthread_t main_handle = pthread_self();
  std::thread sender([=] {
    wait_until_asleep(main_thread);
    pthread_kill(main_handle, SIGBUS);
    wait_until_asleep(main_thread);
    CHILD_CHECK(write(ends[1], "x", 1) == 1);
  });
  errno = 0;
  g_seen->result = enter(what, ends[0]);
  g_seen->error_number = errno;
  g_done = 1;
  sender.join();
}

bool same(const seen& a, const seen& b) { return memcmp(&a, &b, sizeof a) == 0; }

constexpr previous handlers[] = {{handler, SA_SIGINFO},
                                 {handler, SA_SIGINFO | SA_RESTART},
                                 {handler, SA_SIGINFO | SA_NODEFER},
                                 {handler, SA_SIGINFO | SA_NODEFER | SA_RESTART}};

}  // namespace

TEST_CASE("A system call that SIGBUS interrupts is restarted as the previous action has it" NO_QEMU(
    "it interrupts system calls that a kernel restarts")) {
  for (const call what : blocking_calls) {
    for (const previous& p : handlers) {
      CAPTURE(static_cast<int>(what));
      CAPTURE(p.flags);
      const seen model = observe([&] { interrupt(what, p, false); });
      const seen subject = observe([&] { interrupt(what, p, true); });
      const bool goes_on = what == call::read_pipe && (p.flags & SA_RESTART) != 0;
      CHECK(model.calls == 1);
      CHECK(model.result == (goes_on ? 1 : -1));
      CHECK(model.error_number == (goes_on ? 0 : EINTR));
      CHECK(same(model, subject));
    }
  }
}

TEST_CASE("A read(2) goes on through a SIGBUS that is ignored" NO_QEMU(
    "it interrupts system calls that a kernel restarts")) {
  const previous ignored{nullptr, 0};
  const seen model = observe([&] { interrupt(call::read_pipe, ignored, false); });
  const seen subject = observe([&] { interrupt(call::read_pipe, ignored, true); });
  CHECK(model.result == 1);
  CHECK(same(model, subject));
}

TEST_CASE("After rearm the system calls of the new previous action's kind are restarted" NO_QEMU(
    "it interrupts system calls that a kernel restarts")) {
  for (const bool restart : {false, true}) {
    CAPTURE(restart);
    const seen s = observe([&] {
      set_previous({handler, SA_SIGINFO | (restart ? 0 : SA_RESTART)}, true);
      set_previous({handler, SA_SIGINFO | (restart ? SA_RESTART : 0)}, false);
      CHILD_CHECK(nosigbus_rearm() == 0);
      CHILD_CHECK(nosigbus_check() == 0);
      struct sigaction ours;
      CHILD_CHECK(sigaction(SIGBUS, nullptr, &ours) == 0);
      interrupt(call::read_pipe, {ours.sa_sigaction, ours.sa_flags}, false);
    });
    CHECK(s.calls == 1);
    CHECK(s.result == (restart ? 1 : -1));
  }
}

namespace {

// SIGBUS and SIGHUP are blocked in the thread, SIGWINCH while it waits. SIGBUS is pending.
void wait_with_mask(call what) {
  sigset_t outside, inside;
  sigemptyset(&outside);
  sigaddset(&outside, SIGBUS);
  sigaddset(&outside, SIGHUP);
  sigprocmask(SIG_SETMASK, &outside, nullptr);
  sigemptyset(&inside);
  sigaddset(&inside, SIGWINCH);
  raise(SIGBUS);
  errno = 0;
  epoll_event event;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  switch (what) {
    case call::ppoll:
      g_seen->result = ppoll(nullptr, 0, nullptr, &inside);
      break;
    case call::epoll_pwait:
      g_seen->result = epoll_pwait(epoll, &event, 1, -1, &inside);
      break;
    default:
      g_seen->result = sigsuspend(&inside);
  }
  g_seen->error_number = errno;
  g_seen->mask_after = current_mask();
}

}  // namespace

TEST_CASE(
    "A handler in sigsuspend and ppoll and epoll_pwait has the mask of the wait and restores the "
    "thread's" NO_QEMU("a signal that a wait unblocks is lost")) {
  for (const call what : masking_calls) {
    for (const previous& p : handlers) {
      CAPTURE(static_cast<int>(what));
      CAPTURE(p.flags);
      const seen model = observe([&] {
        set_previous(p, false);
        wait_with_mask(what);
      });
      const seen subject = observe([&] {
        set_previous(p, true);
        wait_with_mask(what);
      });
      CHECK(model.calls == 1);
      CHECK(model.error_number == EINTR);
      CHECK(model.mask == subject.mask);
      CHECK(same(model, subject));
    }
  }
}

TEST_CASE("Under SIG_DFL a SIGBUS that a wait unblocks kills although the thread has it blocked" NO_QEMU(
    "a signal that a wait unblocks is lost")) {
  for (const call what : masking_calls) {
    for (const bool with_library : {false, true}) {
      CAPTURE(static_cast<int>(what));
      CAPTURE(with_library);
      seen ignored{};
      g_seen = &ignored;
      CHECK(in_child([=] {
              signal(SIGBUS, SIG_DFL);
              if (with_library) CHILD_CHECK(nosigbus_install(0) == 0);
              wait_with_mask(what);
              return 0;
            }) == killed_by(SIGBUS));
    }
  }
}
