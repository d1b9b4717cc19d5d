// SPDX-License-Identifier: MIT
//
// Signals as System V and BSD had them, and SIGBUS as a message.
#include <signal.h>

#include <cerrno>

#include "scenario.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

using namespace preload_test;

namespace {

volatile sig_atomic_t g_calls;
void count(int) { g_calls = g_calls + 1; }

}  // namespace

SCENARIO(signal_after_siginterrupt) {
  int ends[2];
  EXPECT(pipe(ends) == 0);
  EXPECT(siginterrupt(SIGALRM, 1) == 0);
  EXPECT(signal(SIGALRM, count) != SIG_ERR);
  ualarm(50'000, 0);
  char byte;
  EXPECT(read(ends[0], &byte, 1) == -1 && errno == EINTR);
  EXPECT(g_calls == 1);
  errno = 0;
  EXPECT(signal(SIGUSR1, SIG_ERR) == SIG_ERR && errno == EINVAL);
  EXPECT(signal(SIGBUS, SIG_ERR) == SIG_ERR && errno == EINVAL);
}

SCENARIO(sigset_installs_a_handler) {
  EXPECT(sigset(SIGBUS, count) == SIG_DFL);
  fault();
  EXPECT(g_calls == 1);
  EXPECT(raise(SIGBUS) == 0);
  EXPECT(g_calls == 2);
  EXPECT(sigset(SIGBUS, SIG_HOLD) == count);
  EXPECT(raise(SIGBUS) == 0);
  EXPECT(g_calls == 2);
  EXPECT(sigset(SIGBUS, count) == SIG_HOLD);
  EXPECT(g_calls == 3);
  fault();
  EXPECT(g_calls == 4);
}

SCENARIO(a_wait_lets_a_held_signal_through) {
  EXPECT(signal(SIGBUS, count) == SIG_DFL);
  const sigset_t set = only_sigbus();
  EXPECT(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  EXPECT(raise(SIGBUS) == 0);
  EXPECT(g_calls == 0);
  sigset_t none;
  sigemptyset(&none);
  EXPECT(sigsuspend(&none) == -1 && errno == EINTR);
  EXPECT(g_calls == 1);
  EXPECT(raise(SIGBUS) == 0);
  EXPECT(g_calls == 1);
}
