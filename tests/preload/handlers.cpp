// SPDX-License-Identifier: MIT
//
// Programs with a handler for SIGBUS of their own.
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cstring>

#include "scenario.h"

using namespace preload_test;

namespace {

volatile sig_atomic_t g_calls;
volatile unsigned char* volatile g_extra;
struct sigaction g_before;
sigjmp_buf g_point;

void set(void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  EXPECT(sigaction(SIGBUS, &action, &g_before) == 0);
}

void* page_of(const siginfo_t* info) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(info->si_addr) & ~(page - 1));
}

// All of these count, and then:
void puts_zeros_there(int, siginfo_t* info, void*) {
  g_calls = g_calls + 1;
  EXPECT(mmap(page_of(info), page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
}
void puts_sevens_there(int, siginfo_t* info, void*) {
  g_calls = g_calls + 1;
  const long result = syscall(SYS_mmap, page_of(info), page, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L);
  EXPECT(reinterpret_cast<void*>(result) == page_of(info));
  memset(page_of(info), 7, page);
}
void gives_up(int signo, siginfo_t*, void*) {
  g_calls = g_calls + 1;
  sigaction(SIGBUS, &g_before, nullptr);
  raise(signo);
}
void gives_up_as_in_1980(int signo, siginfo_t*, void*) {
  g_calls = g_calls + 1;
  signal(signo, SIG_DFL);
  kill(getpid(), signo);
}
void does_nothing(int, siginfo_t*, void*) { g_calls = g_calls + 1; }
void leaves(int, siginfo_t*, void*) {
  g_calls = g_calls + 1;
  siglongjmp(g_point, 1);
}
void meets_another(int, siginfo_t*, void*) {
  g_calls = g_calls + 1;
  EXPECT(g_extra[0] == 0);
}

void meets_a_bug_of_its_own(int, siginfo_t*, void*) {
  EXPECT(g_calls == 0);
  g_calls = g_calls + 1;
  EXPECT(g_extra[0] == 0);
}

void two_faults_with(void (*handler)(int, siginfo_t*, void*), int flags, int calls) {
  set(handler, flags);
  for (int i = 0; i < 2; ++i) {
    const mapped_file file(4), other(2);
    other.truncate(0);
    g_extra = other.data();
    file.truncate(page);
    EXPECT(file[0] == filler);
    EXPECT(file[2 * page] == 0);
    EXPECT(file[3 * page] == 0);
  }
  EXPECT(g_calls == calls);
}

}  // namespace

SCENARIO(a_handler_that_puts_zeros_there) { two_faults_with(puts_zeros_there, SA_NODEFER, 2); }
SCENARIO(a_handler_that_gives_up) { two_faults_with(gives_up, SA_NODEFER, 2); }
SCENARIO(a_handler_that_gives_up_with_the_signal_blocked) { two_faults_with(gives_up, 0, 2); }
SCENARIO(a_handler_that_resets_and_kills) { two_faults_with(gives_up_as_in_1980, 0, 2); }
SCENARIO(a_handler_that_does_nothing) { two_faults_with(does_nothing, 0, 2); }
SCENARIO(a_handler_that_faults_itself) { two_faults_with(meets_another, 0, 2); }
SCENARIO(a_handler_for_once) { two_faults_with(does_nothing, static_cast<int>(SA_RESETHAND), 1); }
SCENARIO(a_handler_that_is_kept_out) { two_faults_with(does_nothing, 0, 0); }

SCENARIO(a_handler_that_puts_its_own_pages_there) {
  set(puts_sevens_there, 0);
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 7);
  EXPECT(g_calls == 1);
  file.grow_back(1);
  usleep(200'000);
  EXPECT(file[page] == 7);
}

SCENARIO(a_handler_that_leaves_by_longjmp) {
  set(leaves, 0);
  for (int i = 1; i < 4; ++i) {
    const mapped_file file(4);
    file.truncate(0);
    if (sigsetjmp(g_point, 1) == 0) {
      EXPECT(file[page] == 0);
      EXPECT(false);
    }
    EXPECT(g_calls == i);
    EXPECT(munmap(file.address(), file.size()) == 0);
  }
  // It has left: this is meant.
  set(does_nothing, 0);
  EXPECT(g_before.sa_sigaction == leaves);
}

SCENARIO(an_alternate_stack) {
  static char stack[1 << 16];
  const stack_t alternate{stack, 0, sizeof stack};
  EXPECT(sigaltstack(&alternate, nullptr) == 0);
  two_faults_with(gives_up, SA_ONSTACK, 2);
}

SCENARIO(the_program_finds_its_own_action) {
  struct sigaction found {};
  EXPECT(sigaction(SIGBUS, nullptr, &found) == 0);
  EXPECT(found.sa_handler == SIG_DFL);
  set(does_nothing, SA_NODEFER);
  EXPECT(sigaction(SIGBUS, nullptr, &found) == 0);
  EXPECT(found.sa_sigaction == does_nothing);
  EXPECT((found.sa_flags & (SA_SIGINFO | SA_NODEFER | SA_ONSTACK)) == (SA_SIGINFO | SA_NODEFER));
  EXPECT(signal(SIGBUS, SIG_IGN) == found.sa_handler);
  // What no mask has, as the kernel keeps it.
  struct sigaction full {};
  full.sa_handler = SIG_IGN;
  memset(&full.sa_mask, 0xff, sizeof full.sa_mask);
  EXPECT(sigaction(SIGBUS, &full, nullptr) == 0);
  EXPECT(sigaction(SIGBUS, nullptr, &found) == 0);
  EXPECT(sigismember(&found.sa_mask, SIGKILL) == 0 && sigismember(&found.sa_mask, SIGSTOP) == 0);
  EXPECT(sigismember(&found.sa_mask, SIGUSR1) == 1);
  EXPECT(signal(SIGBUS, SIG_DFL) == SIG_IGN);
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
}

SCENARIO(a_sent_signal_reaches_the_program) {
  set(does_nothing, 0);
  EXPECT(raise(SIGBUS) == 0);
  EXPECT(kill(getpid(), SIGBUS) == 0);
  EXPECT(g_calls == 2);
}

// What follows dies, with the library as without it.
SCENARIO(a_sent_signal_kills) {
  raise(SIGBUS);
  pause();
}
SCENARIO(a_null_pointer_kills) {
  volatile unsigned char* volatile nothing = nullptr;
  EXPECT(nothing[0] == 0);
}
SCENARIO(a_disk_file_kills) {
  const mapped_file file(4, MAP_SHARED, PROT_READ, mapped_file::where::disk);
  file.truncate(0);
  EXPECT(file[page] == 0);
}
SCENARIO(a_write_kills) {
  const mapped_file file(4);
  file.truncate(0);
  file[page] = 1;
}
SCENARIO(instructions_that_are_gone_kill) {
  const mapped_file file(4, MAP_SHARED, PROT_READ | PROT_WRITE | PROT_EXEC);
  file.truncate(0);
  void (*code)() = reinterpret_cast<void (*)()>(file.address(page));
  code();
}
SCENARIO(a_genuine_bug_of_the_handler_kills) {
  set(meets_a_bug_of_its_own, SA_NODEFER);
  const mapped_file file(4), other(2, MAP_SHARED, PROT_READ, mapped_file::where::disk);
  other.truncate(0);
  g_extra = other.data();
  file.truncate(0);
  EXPECT(file[page] == 0);
}
SCENARIO(the_handler_of_a_genuine_bug_is_called) {
  set(leaves, 0);
  const mapped_file file(4, MAP_SHARED, PROT_READ, mapped_file::where::disk);
  file.truncate(0);
  if (sigsetjmp(g_point, 1) == 0) EXPECT(file[page] == 99);
  EXPECT(g_calls == 1);
}
