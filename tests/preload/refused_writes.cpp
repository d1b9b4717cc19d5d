// SPDX-License-Identifier: MIT
//
// Programs that write to what is missing and was read before, with NOSIGBUS_WRITE=pass; and what they do with
// SIGSEGV themselves.
#include <setjmp.h>
#include <signal.h>

#include <thread>
#include <vector>

#include "scenario.h"

using namespace preload_test;

namespace {

sigjmp_buf g_point;
volatile sig_atomic_t g_calls;
volatile unsigned char* g_barrier;

void leaves(int signo, siginfo_t* info, void*) {
  g_calls = g_calls + 1;
  EXPECT(signo == SIGBUS && info->si_signo == SIGBUS && info->si_code == BUS_ADRERR);
  sigset_t blocked;
  EXPECT(pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0);
  EXPECT(sigismember(&blocked, SIGUSR1) == 1 && sigismember(&blocked, SIGUSR2) == 0);
  siglongjmp(g_point, 1);
}

void opens_the_barrier(int signo, siginfo_t* info, void*) {
  g_calls = g_calls + 1;
  EXPECT(signo == SIGSEGV && info->si_addr == g_barrier);
  EXPECT(mprotect(const_cast<unsigned char*>(g_barrier), page, PROT_READ | PROT_WRITE) == 0);
}

void set(int signo, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  sigaddset(&action.sa_mask, SIGUSR1);
  EXPECT(sigaction(signo, &action, nullptr) == 0);
  EXPECT(sigaction(signo, nullptr, &action) == 0);
  EXPECT(action.sa_sigaction == handler && sigismember(&action.sa_mask, SIGUSR1) == 1);
}

void write_after_it_grew(mapped_file::where place) {
  for (unsigned char round = 1; round < 10; ++round) {
    const mapped_file file(4, MAP_SHARED, PROT_READ | PROT_WRITE, place);
    file.truncate(0);
    EXPECT(file[page] == 0);
    file.grow_back(3);
    file[page] = round;
    unsigned char there = 0;
    EXPECT(pread(file.fd(), &there, 1, page) == 1);
    EXPECT(there == round);
  }
}

// A page that the program protects, beside a damaged file.
void write_behind_the_barrier(int flags) {
  const mapped_file file(4), barrier(1);
  file.truncate(0);
  EXPECT(file[page] == 0);
  g_barrier = barrier.data();
  set(SIGSEGV, opens_the_barrier, flags);
  EXPECT(mprotect(barrier.address(), page, PROT_READ) == 0);
  barrier[0] = 5;
  EXPECT(barrier[0] == 5 && g_calls == 1);
}

}  // namespace

SCENARIO(a_write_to_what_is_whole_again) { write_after_it_grew(mapped_file::where::memory); }
SCENARIO(a_write_to_a_file_that_is_whole_again) { write_after_it_grew(mapped_file::where::disk); }

SCENARIO(a_write_from_many_threads) {
  for (int round = 0; round < 20; ++round) {
    const mapped_file file(4);
    file.truncate(0);
    EXPECT(file[page] == 0);
    file.grow_back(3);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] { file[page + i] = static_cast<unsigned char>(i + 10); });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t i = 0; i < 8; ++i) EXPECT(file[page + i] == i + 10);
    EXPECT(munmap(file.address(), file.size()) == 0);
  }
}

SCENARIO(a_write_after_a_read_kills) {
  const mapped_file file(4);
  file.truncate(page);
  EXPECT(file[2 * page] == 0);
  file[2 * page] = 1;
}

SCENARIO(a_write_that_the_programs_handler_gets) {
  const mapped_file file(4);
  file.truncate(page);
  EXPECT(file[2 * page] == 0);
  set(SIGBUS, leaves, 0);
  while (g_calls < 3) {
    if (sigsetjmp(g_point, 1) == 0) {
      file[2 * page] = 1;
      EXPECT(false);
    }
  }
}

SCENARIO(a_write_barrier) { write_behind_the_barrier(0); }
SCENARIO(a_handler_for_sigsegv_once) {
  write_behind_the_barrier(static_cast<int>(SA_RESETHAND));
  struct sigaction found {};
  EXPECT(sigaction(SIGSEGV, nullptr, &found) == 0);
  EXPECT(found.sa_handler == SIG_DFL);
}

SCENARIO(a_write_that_is_not_permitted_kills) {
  const mapped_file file(4, MAP_SHARED, PROT_READ);
  file.truncate(0);
  EXPECT(file[page] == 0);
  file[page] = 1;
}
SCENARIO(sigsegv_that_is_sent_kills) {
  raise(SIGSEGV);
  pause();
}
