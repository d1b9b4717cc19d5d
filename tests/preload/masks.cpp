// SPDX-License-Identifier: MIT
//
// Programs that block signals.
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <thread>

#include "scenario.h"

using namespace preload_test;

namespace {

sigset_t all() {
  sigset_t set;
  sigfillset(&set);
  return set;
}

void fault_in_handler(int) { fault(); }

// Its handler runs while the mask of the wait is in force.
template <class Wait>
void wait_with_everything_blocked(Wait wait) {
  struct sigaction action {};
  action.sa_handler = fault_in_handler;
  action.sa_mask = all();
  EXPECT(sigaction(SIGALRM, &action, nullptr) == 0);
  sigset_t mask = all();
  sigdelset(&mask, SIGALRM);
  ualarm(50'000, 0);
  EXPECT(wait(&mask) == -1);
}

bool blocked() {
  sigset_t now;
  EXPECT(pthread_sigmask(SIG_SETMASK, nullptr, &now) == 0);
  return sigismember(&now, SIGBUS) == 1;
}

}  // namespace

SCENARIO(sigprocmask_blocks_everything) {
  const sigset_t set = all();
  EXPECT(sigprocmask(SIG_SETMASK, &set, nullptr) == 0);
  fault();
}
SCENARIO(a_thread_blocks_everything) {
  std::thread([] {
    const sigset_t set = all();
    EXPECT(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
    fault();
  }).join();
}
SCENARIO(a_thread_is_made_with_everything_blocked) {
  pthread_attr_t attributes;
  const sigset_t set = all();
  pthread_attr_init(&attributes);
  EXPECT(pthread_attr_setsigmask_np(&attributes, &set) == 0);
  pthread_t thread;
  const auto run = [](void*) -> void* {
    fault();
    return nullptr;
  };
  EXPECT(pthread_create(&thread, &attributes, run, nullptr) == 0);
  EXPECT(pthread_join(thread, nullptr) == 0);
}
SCENARIO(handlers_that_block_everything) {
  struct sigaction action {};
  action.sa_handler = fault_in_handler;
  action.sa_mask = all();
  EXPECT(sigaction(SIGUSR1, &action, nullptr) == 0);
  EXPECT(raise(SIGUSR1) == 0);
}
SCENARIO(sigsuspend_blocks_everything) {
  wait_with_everything_blocked([](const sigset_t* mask) { return sigsuspend(mask); });
}
SCENARIO(ppoll_blocks_everything) {
  wait_with_everything_blocked([](const sigset_t* mask) { return ppoll(nullptr, 0, nullptr, mask); });
}
SCENARIO(pselect_blocks_everything) {
  wait_with_everything_blocked(
      [](const sigset_t* mask) { return pselect(0, nullptr, nullptr, nullptr, nullptr, mask); });
}
SCENARIO(epoll_pwait_blocks_everything) {
  wait_with_everything_blocked([](const sigset_t* mask) {
    epoll_event event;
    return epoll_pwait(epoll_create1(0), &event, 1, -1, mask);
  });
}

SCENARIO(the_program_finds_its_own_mask) {
  EXPECT(!blocked());
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGBUS);
  EXPECT(sigprocmask(SIG_BLOCK, &set, &old) == 0);
  EXPECT(sigismember(&old, SIGBUS) == 0);
  EXPECT(blocked());
  EXPECT(sigprocmask(SIG_UNBLOCK, &set, &old) == 0);
  EXPECT(sigismember(&old, SIGBUS) == 1);
  EXPECT(!blocked());
  struct sigaction action {
  }, found{};
  action.sa_handler = fault_in_handler;
  sigaddset(&action.sa_mask, SIGBUS);
  EXPECT(sigaction(SIGUSR1, &action, nullptr) == 0);
  EXPECT(sigaction(SIGUSR1, nullptr, &found) == 0);
  EXPECT(sigismember(&found.sa_mask, SIGBUS) == 1);
}

SCENARIO(a_sent_signal_waits_until_it_is_let_through) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGBUS);
  EXPECT(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  EXPECT(raise(SIGBUS) == 0);
  int signo = 0;
  EXPECT(sigwait(&set, &signo) == 0);
  EXPECT(signo == SIGBUS);
  EXPECT(sigprocmask(SIG_UNBLOCK, &set, nullptr) == 0);
  fault();
}
SCENARIO(a_sent_signal_kills_when_it_is_let_through) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGBUS);
  EXPECT(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  EXPECT(raise(SIGBUS) == 0);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  pause();
}
