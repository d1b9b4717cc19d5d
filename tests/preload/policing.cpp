// SPDX-License-Identifier: MIT
//
// Programs whose handler for SIGBUS changes what is in place while it is at work, or leaves in other ways.
#include <setjmp.h>
#include <signal.h>

#include <cstring>

#include "scenario.h"

using namespace preload_test;

namespace {

volatile sig_atomic_t g_calls, g_others;

void install(void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  EXPECT(sigaction(SIGBUS, &action, nullptr) == 0);
}

void fault() {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  EXPECT(munmap(file.address(), file.size()) == 0);
}

constexpr int for_once = static_cast<int>(SA_RESETHAND) | SA_NODEFER;

void counts_others(int) { g_others = g_others + 1; }
void arms_itself_again(int) {
  g_calls = g_calls + 1;
  install(arms_itself_again, for_once);
}
void arms_itself_as_in_1980(int signo) {
  g_calls = g_calls + 1;
  sysv_signal(signo, SIG_IGN);
  sysv_signal(signo, arms_itself_as_in_1980);
}
void hands_over(int) {
  g_calls = g_calls + 1;
  install(counts_others, 0);
}
void has_a_stand_in(int) {
  g_calls = g_calls + 1;
  struct sigaction stand_in {
  }, own{};
  stand_in.sa_handler = counts_others;
  EXPECT(sigaction(SIGBUS, &stand_in, &own) == 0);
  EXPECT(sigaction(SIGBUS, &own, nullptr) == 0);
}

struct sigaction g_displaced;
void gives_way(int signo) {
  g_calls = g_calls + 1;
  EXPECT(sigaction(SIGBUS, &g_displaced, nullptr) == 0);
  raise(signo);
}

}  // namespace

SCENARIO(a_handler_that_arms_itself_again) {
  install(arms_itself_again, for_once);
  for (int i = 1; i < 4; ++i) {
    fault();
    EXPECT(g_calls == i);
  }
}
SCENARIO(a_handler_that_arms_itself_as_in_1980) {
  sysv_signal(SIGBUS, arms_itself_as_in_1980);
  for (int i = 1; i < 4; ++i) {
    fault();
    EXPECT(g_calls == i);
  }
}
SCENARIO(a_handler_that_hands_over) {
  install(hands_over, 0);
  fault();
  fault();
  fault();
  EXPECT(g_calls == 1 && g_others == 2);
}
SCENARIO(a_handler_with_a_stand_in) {
  install(has_a_stand_in, 0);
  fault();
  fault();
  EXPECT(g_calls == 2 && g_others == 0);
}
SCENARIO(a_handler_that_gives_way_to_whom_it_displaced) {
  install(counts_others, 0);
  struct sigaction action {};
  action.sa_handler = gives_way;
  EXPECT(sigaction(SIGBUS, &action, &g_displaced) == 0);
  fault();
  fault();
  EXPECT(g_calls == 2 && g_others == 0);
}
SCENARIO(an_action_is_written_over_the_one_that_was_given) {
  struct sigaction both {};
  both.sa_handler = counts_others;
  struct sigaction* volatile old = &both;  // the compiler is not to see what the kernel permits
  EXPECT(sigaction(SIGBUS, &both, old) == 0);
  EXPECT(both.sa_handler == SIG_DFL);
  fault();
  EXPECT(raise(SIGBUS) == 0);
  EXPECT(g_others == 2);
}
