// SPDX-License-Identifier: MIT
//
// Programs of which somebody, or a library, has arranged how signals reach them: masks, and a SIGBUS that is
// sent.
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <thread>

#include "early_library.h"
#include "scenario.h"

using namespace preload_test;

namespace {

volatile sig_atomic_t g_calls;
void count(int) { g_calls = g_calls + 1; }

bool blocked() {
  sigset_t now;
  EXPECT(pthread_sigmask(SIG_SETMASK, nullptr, &now) == 0);
  return sigismember(&now, SIGBUS) == 1;
}

// The signal is sent to a process that blocks it, and taken; then something faults.
template <class Take>
void sent_and_taken(Take take) {
  const sigset_t set = only_sigbus();
  EXPECT(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT(kill(getpid(), SIGBUS) == 0);
    EXPECT(take(&set) == SIGBUS);
    fault();
    EXPECT(blocked());
  }
}

}  // namespace

SCENARIO(a_librarys_constructor_installs_a_handler_that_blocks_everything) {
  early_action = fault;
  EXPECT(raise(SIGUSR1) == 0);
}

SCENARIO(a_sent_signal_is_taken_by_sigwait) {
  sent_and_taken([](const sigset_t* set) {
    int signo = 0;
    EXPECT(sigwait(set, &signo) == 0);
    return signo;
  });
}
SCENARIO(a_sent_signal_is_taken_by_sigwaitinfo) {
  sent_and_taken([](const sigset_t* set) { return sigwaitinfo(set, nullptr); });
}
SCENARIO(a_sent_signal_is_taken_by_sigtimedwait) {
  const timespec second{1, 0};
  sent_and_taken([&](const sigset_t* set) { return sigtimedwait(set, nullptr, &second); });
}
SCENARIO(a_sent_signal_is_read_from_a_descriptor) {
  sent_and_taken([](const sigset_t* set) {
    const int fd = signalfd(-1, set, SFD_CLOEXEC);
    signalfd_siginfo info{};
    EXPECT(read(fd, &info, sizeof info) == sizeof info);
    close(fd);
    // Whoever has read it is protected again with the next change of a mask.
    EXPECT(sigprocmask(SIG_BLOCK, set, nullptr) == 0);
    return static_cast<int>(info.ssi_signo);
  });
}
SCENARIO(a_sent_signal_is_dropped_by_the_child) {
  const sigset_t set = only_sigbus();
  EXPECT(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  EXPECT(raise(SIGBUS) == 0);
  const pid_t child = fork();
  if (child == 0) {
    fault();
    EXPECT(blocked());
    _exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}
SCENARIO(a_thread_is_made_while_a_sent_signal_waits) {
  const sigset_t set = only_sigbus();
  EXPECT(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  EXPECT(raise(SIGBUS) == 0);
  std::thread([] {
    EXPECT(blocked());
    fault();
  }).join();
  int signo = 0;
  EXPECT(sigwait(&set, &signo) == 0);
}
SCENARIO(attributes_of_threads_keep_their_mask) {
  EXPECT(signal(SIGBUS, count) == SIG_DFL);
  pthread_attr_t attributes;
  sigset_t set, found;
  sigfillset(&set);
  pthread_attr_init(&attributes);
  EXPECT(pthread_attr_setsigmask_np(&attributes, &set) == 0);
  EXPECT(pthread_attr_getsigmask_np(&attributes, &found) == 0);
  EXPECT(sigismember(&found, SIGBUS) == 1);
  pthread_t thread;
  const auto run = [](void*) -> void* {
    EXPECT(blocked());
    EXPECT(raise(SIGBUS) == 0);
    EXPECT(g_calls == 0);
    return nullptr;
  };
  EXPECT(pthread_create(&thread, &attributes, run, nullptr) == 0);
  EXPECT(pthread_join(thread, nullptr) == 0);
}
