// SPDX-License-Identifier: MIT
//
// What kills, kills at the faulting instruction, with the signal's own siginfo: so the core shows what it
// would have shown without nosigbus. Looked at by a tracer at the last stop before the death.
#include <doctest/doctest.h>
#include <nosigbus/runtime.h>
#include <sys/mman.h>
#include <sys/ptrace.h>

#include <cstdio>
#include <cstring>

#include "support/chain_scenario.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"
#include "support/shared_file.h"

namespace {

using namespace test;

// A thread that is about to receive a signal.
struct stop {
  int signo = 0, code = 0;
  uintptr_t address = 0;  // of a fault
  uintptr_t sp = 0, pc = 0;

  bool operator==(const stop&) const = default;
};

std::ostream& operator<<(std::ostream& out, const stop& s) {
  return out << "signal " << s.signo << " code " << s.code << std::hex << " address 0x" << s.address
             << " sp 0x" << s.sp << " pc 0x" << s.pc << std::dec;
}

// The last two numbers that the kernel prints, whether the thread is in a system call or not.
void read_registers(pid_t child, stop& out) {
  char path[64], line[512] = {};
  snprintf(path, sizeof path, "/proc/%d/syscall", child);
  FILE* const file = fopen(path, "re");
  REQUIRE(file != nullptr);
  REQUIRE(fgets(line, sizeof line, file) != nullptr);
  fclose(file);
  char* const pc = strrchr(line, ' ');
  REQUIRE(pc != nullptr);
  out.pc = strtoull(pc, nullptr, 16);
  *pc = '\0';
  const char* const sp = strrchr(line, ' ');
  REQUIRE(sp != nullptr);
  out.sp = strtoull(sp, nullptr, 16);
}

struct death {
  outcome end;
  stop last;
  bool operator==(const death&) const = default;
};

// Runs fn in a child, signal by signal.
template <class F>
death trace(F fn) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    alarm(20);
    fn();
    _exit(0);
  }
  death d;
  int status = 0;
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    siginfo_t info{};
    ptrace(PTRACE_GETSIGINFO, child, nullptr, &info);
    d.last = {info.si_signo, info.si_code, 0, 0, 0};
    if (info.si_code > 0) d.last.address = reinterpret_cast<uintptr_t>(info.si_addr);
    read_registers(child, d.last);
    ptrace(PTRACE_CONT, child, nullptr, WSTOPSIG(status));
  }
  if (WIFEXITED(status)) d.end = exited(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) d.end = killed_by(WTERMSIG(status));
  return d;
}

death trace(const scenario& s, front who) {
  static auto* const seen = static_cast<observations*>(
      mmap(nullptr, sizeof(observations), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  memset(seen, 0, sizeof *seen);
  return trace([&] { live_through(s, who, seen); });
}

void check_death(const scenario& s) {
  INFO(s);
  run(s, front::kernel_alone);  // makes what both processes have to inherit
  death model = trace(s, front::kernel_alone);
  death subject = trace(s, front::nosigbus);
  REQUIRE(model.end == killed_by(s.signo));
  REQUIRE(model.last.signo == s.signo);
  REQUIRE(model.last.pc != 0);
  REQUIRE((model.last.address != 0) == is_fault(s.what));
  // A fault inside the handler: ours adds a frame above it.
  if (s.how == reaction::again) model.last.sp = subject.last.sp = 0;
  CHECK(model.end == subject.end);
  CHECK(model.last == subject.last);
}

constexpr event bus_events[] = {event::missing_read, event::missing_write, event::by_kill,
                                event::by_raise,     event::by_sigqueue,   event::by_pthread_kill};
constexpr event segv_events[] = {event::unmapped, event::forbidden, event::read_only,
                                 event::by_kill,  event::by_raise,  event::by_sigqueue};
constexpr alternate stacks[] = {alternate::absent, alternate::present, alternate::in_use};

// Calls check_death with every event, stack and blocking.
void check_deaths(scenario s, bool ignored) {
  for (const event what : s.signo == SIGBUS ? bus_events : segv_events) {
    if (ignored && !is_fault(what)) continue;
    for (const alternate stack : stacks) {
      for (const bool blocked : {false, true}) {
        s.what = what;
        s.stack = stack;
        s.blocked = blocked;
        check_death(s);
      }
    }
  }
}

}  // namespace

TEST_CASE(
    "Death under SIG_DFL and SIG_IGN: the same siginfo at the same instruction" NO_QEMU("needs ptrace")) {
  for (const int signo : {SIGBUS, SIGSEGV}) {
    for (const handler_kind handler : {handler_kind::by_default, handler_kind::ignored}) {
      scenario s;
      s.signo = signo;
      s.handler = handler;
      check_deaths(s, handler == handler_kind::ignored);
    }
  }
}

TEST_CASE("Death after SA_RESETHAND: the same siginfo at the same instruction" NO_QEMU("needs ptrace")
              NO_TSAN("it knows nothing of SA_RESETHAND")) {
  for (const int signo : {SIGBUS, SIGSEGV}) {
    scenario s;
    s.signo = signo;
    s.flags = static_cast<int>(SA_RESETHAND);
    check_deaths(s, false);
  }
}

TEST_CASE(
    "Death by a fault in the handler: the same siginfo at the same instruction" NO_QEMU("needs ptrace")) {
  for (const int flags : {0, static_cast<int>(SA_RESETHAND), static_cast<int>(SA_RESETHAND | SA_NODEFER)}) {
    for (const event what : {event::missing_read, event::missing_write}) {
      scenario s;
      s.flags = flags;
      s.what = what;
      s.how = reaction::again;
      check_death(s);
    }
  }
}

namespace {

struct sigaction g_before_top;
volatile unsigned char* g_missing = nullptr;

// On top of ours, and asks whom it replaced first.
void top_handler(int signo, siginfo_t* info, void* ucontext) {
  g_before_top.sa_sigaction(signo, info, ucontext);
}

// Not inlined: one instruction, whoever calls.
__attribute__((noinline)) void read_missing() { static_cast<void>(*g_missing); }

struct top {
  int flags;
  bool rearmed;
  bool sent;
};

// Not inlined: both deaths have the same stack.
__attribute__((noinline)) void die_below(const top& how, front who) {
  signal(SIGBUS, SIG_DFL);
  if (who == front::nosigbus) {
    CHILD_CHECK(nosigbus_install(0) == 0);
    struct sigaction action {};
    action.sa_sigaction = top_handler;
    action.sa_flags = SA_SIGINFO | how.flags;
    CHILD_CHECK(sigaction(SIGBUS, &action, &g_before_top) == 0);
    if (how.rearmed) CHILD_CHECK(nosigbus_rearm() == 0);
  }
  if (how.sent) raise(SIGBUS);
  read_missing();
}

}  // namespace

TEST_CASE("Death below a handler that chains to ours: at the faulting instruction") {
  const shared_file file(page_size());
  g_missing = file.map(2 * page_size()) + page_size();
  for (const int flags : {0, static_cast<int>(SA_NODEFER), static_cast<int>(SA_ONSTACK)}) {
    for (const bool rearmed : {false, true}) {
      for (const bool sent : {false, true}) {
        CAPTURE(flags);
        CAPTURE(rearmed);
        CAPTURE(sent);
        const top how{flags, rearmed, sent};
        death ends[2];
        for (const front who : {front::kernel_alone, front::nosigbus}) {
          ends[static_cast<int>(who)] = trace([=] { die_below(how, who); });
        }
        const death &model = ends[0], &subject = ends[1];
        CHECK(model.end == killed_by(SIGBUS));
        CHECK(model.end == subject.end);
        CHECK(model.last == subject.last);
      }
    }
  }
}
