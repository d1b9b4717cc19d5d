// SPDX-License-Identifier: MIT
//
// Fibers and signals: whose mask it is, and handlers that fault at any moment.
#include <sys/mman.h>
#include <sys/time.h>
#include <nosigbus/fiber.hpp>

#include <atomic>
#include <cstring>
#include <nosigbus/nosigbus.hpp>
#include <stdexcept>
#include <thread>

#include "support/each_entry.h"
#include "support/no_tsan.h"
#include "support/sampling.h"
#include "support/shared_file.h"

using namespace test;

namespace {

const size_t page = page_size();

const volatile unsigned char* cut_off(const shared_file& file, size_t pages) {
  return const_cast<const volatile unsigned char*>(file.map(pages * page));
}

bool blocked(int signo) {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return sigismember(&now, signo) == 1;
}
void block(int how, int signo) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signo);
  pthread_sigmask(how, &one, nullptr);
}

// Null: the thread has none.
const void* alternate_stack() {
  stack_t now;
  sigaltstack(nullptr, &now);
  return (now.ss_flags & SS_DISABLE) != 0 ? nullptr : now.ss_sp;
}
void set_alternate_stack(void* memory) {
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = size_t{1} << 17;
  stack.ss_flags = memory == nullptr ? SS_DISABLE : 0;
  CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
}

}  // namespace

TEST_CASE("the mask is the thread's: whatever either side does to it stays done" NO_TSAN(
    "does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    shared_file file(4 * page);
    file.resize(0);
    const auto* const bad = cut_off(file, 4);
    nosigbus::fiber f([&] {
      block(SIG_BLOCK, SIGUSR1);
      CHILD_CHECK(bad[0] == 0);
      CHILD_CHECK(blocked(SIGUSR1) && blocked(SIGUSR2));  // the host's doing
      CHILD_CHECK(bad[page] == 0);
      CHILD_CHECK(!blocked(SIGUSR1) && !blocked(SIGUSR2) && blocked(SIGTERM));  // another thread's
      block(SIG_BLOCK, SIGHUP);
    });
    CHILD_CHECK(f.resume().faulted());
    CHILD_CHECK(blocked(SIGUSR1));
    block(SIG_BLOCK, SIGUSR2);
    CHILD_CHECK(f.fill().faulted());
    CHILD_CHECK(blocked(SIGUSR1) && blocked(SIGUSR2));
    std::thread([&] {
      block(SIG_UNBLOCK, SIGUSR1);
      block(SIG_UNBLOCK, SIGUSR2);
      block(SIG_BLOCK, SIGTERM);
      CHILD_CHECK(f.fill().finished());
      CHILD_CHECK(blocked(SIGTERM) && blocked(SIGHUP) && !blocked(SIGUSR1));
    }).join();
    CHILD_CHECK(blocked(SIGUSR1) && blocked(SIGUSR2) && !blocked(SIGTERM) && !blocked(SIGHUP));
  });
}

// A timer's handler that faults, with no guard of its own, on whichever stack it finds: the host's guard
// stops it, or the fiber does.
TEST_CASE("the alternate stack is the host's: one that the fiber gives itself ends when it stops") {
  static unsigned char g_hosts[1 << 17], g_fibers[1 << 17];
  for (unsigned char* const hosts : {static_cast<unsigned char*>(nullptr), g_hosts}) {
    CAPTURE(hosts);
    in_each_entry(exited(0), [hosts] {
      shared_file file(4 * page);
      file.resize(0);
      const auto* const bad = cut_off(file, 4);
      set_alternate_stack(hosts);
      nosigbus::fiber f([&] {
        CHILD_CHECK(alternate_stack() == nullptr);
        CHILD_CHECK(bad[0] == 0);
        CHILD_CHECK(alternate_stack() == nullptr);
        set_alternate_stack(g_fibers);
      });
      CHILD_CHECK(f.resume().faulted());
      CHILD_CHECK(alternate_stack() == hosts);
      CHILD_CHECK(f.fill().finished());
      CHILD_CHECK(alternate_stack() == hosts);
    });
  }
}

TEST_CASE("handlers that fault while stacks are switched" NO_TSAN("signals wait there")) {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              static std::atomic<int> g_signals{0};
              static const volatile unsigned char* g_bad;
              static shared_file g_file(page);
              g_file.resize(0);
              g_bad = cut_off(g_file, 1);
              struct sigaction action {};
              action.sa_handler = [](int) {
                ++g_signals;
                (void)*g_bad;
              };
              sigaction(SIGALRM, &action, nullptr);
              const itimerval often{{0, 100}, {0, 100}};
              block(SIG_BLOCK, SIGALRM);
              setitimer(ITIMER_REAL, &often, nullptr);
              const auto place = const_cast<unsigned char*>(g_bad);
              const int wanted = static_cast<int>(10000 / sampling());
              int finished = 0;
              while (g_signals < wanted) {
                shared_file file(2 * page);
                file.resize(0);
                const auto* const bad = cut_off(file, 2);
                nosigbus::fiber f([bad] { (void)(bad[0] + bad[page]); });
                // Left from the handler, in which the signal is blocked.
                nosigbus::guard([&] {
                  block(SIG_UNBLOCK, SIGALRM);
                  auto stop = f.resume();
                  while (stop.faulted()) {
                    stop = f.fill();
                    mmap(place, page, PROT_READ, MAP_SHARED | MAP_FIXED, g_file.fd(), 0);
                  }
                  block(SIG_BLOCK, SIGALRM);
                  CHILD_CHECK(stop.finished() && stop.error() == 0);
                  ++finished;
                }).error();
                munmap(const_cast<unsigned char*>(bad), 2 * page);
              }
              CHILD_CHECK(finished > 0);
              return 0;
            },
            60) == exited(0));
}

TEST_CASE("a range that is none is refused: a size of 0 is not any address") {
  const auto refused = [](const void* base, size_t length) {
    try {
      const nosigbus::fiber f([] {}, {base, length});
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  const char byte = 0;
  CHECK(refused(&byte, 0));
  CHECK(refused(nullptr, 1));
  CHECK(refused(&byte, SIZE_MAX));
  CHECK(!refused(&byte, 1));
  CHECK(!refused(nullptr, 0));
}
