// SPDX-License-Identifier: MIT
//
// Fibers whose fault is thrown into them. Built with -fnon-call-exceptions.
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <nosigbus/fiber.hpp>

#include <atomic>
#include <cerrno>
#include <nosigbus/nosigbus.hpp>
#include <nosigbus/throwing_guard.hpp>
#include <thread>

#include "support/each_entry.h"
#include "support/no_tsan.h"
#include "support/sampling.h"
#include "support/shared_file.h"

using namespace test;

namespace {

const size_t page = page_size();

const volatile unsigned char* cut_off() {
  shared_file file(page);
  const volatile unsigned char* const at = file.map(page);
  file.resize(0);
  return at;
}

int g_alive = 0;
struct counted {
  counted() { ++g_alive; }
  ~counted() { --g_alive; }
};

__attribute__((noinline)) int deep(const volatile unsigned char* at, int depth) {
  const counted here;
  return depth == 0 ? *at : deep(at, depth - 1) + 1;
}

}  // namespace

TEST_CASE("unwound: destructors run, and it ends" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    const volatile unsigned char* const bad = cut_off();
    for (int i = 0; i < 20; ++i) {
      nosigbus::fiber f([&] { deep(bad, i); });
      CHILD_CHECK(f.unwind().error() == -EINVAL);
      CHILD_CHECK(f.resume().faulted());
      CHILD_CHECK(g_alive == i + 1);
      const auto end = [&] {
        const auto stop = f.unwind();
        CHILD_CHECK(stop.unwound() && !stop.finished() && stop.error() == 0);
        CHILD_CHECK(stop.fault().address == reinterpret_cast<uintptr_t>(bad));
      };
      if (i % 2 == 0) {
        end();
      } else {
        std::thread(end).join();
      }
      CHILD_CHECK(g_alive == 0);
      CHILD_CHECK(f.resume().error() == -EINVAL);
    }
  });
}

TEST_CASE("a fault on the way out is one of its own" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    const volatile unsigned char* const bad = cut_off();
    static const volatile unsigned char* g_other;
    g_other = cut_off();
    struct reads {
      ~reads() { (void)*g_other; }
    };
    nosigbus::fiber f([&] {
      const reads here;
      deep(bad, 2);
    });
    CHILD_CHECK(f.resume().faulted());
    const auto within = f.unwind();
    CHILD_CHECK(within.faulted() && within.fault().address == reinterpret_cast<uintptr_t>(g_other));
    CHILD_CHECK(f.fill().unwound());
  });
}

TEST_CASE("the function may catch it, and go on" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    const volatile unsigned char* const bad = cut_off();
    int caught = 0;
    nosigbus::fiber f([&] {
      for (int i = 0; i < 3; ++i) {
        try {
          deep(bad, 2);
        } catch (const nosigbus::bus_error& error) {
          CHILD_CHECK(error.fault().address == reinterpret_cast<uintptr_t>(bad));
          ++caught;
        }
      }
    });
    CHILD_CHECK(f.resume().faulted());
    CHILD_CHECK(f.unwind().faulted());
    CHILD_CHECK(f.unwind().faulted());
    CHILD_CHECK(f.unwind().finished());
    CHILD_CHECK(caught == 3);
  });
}

namespace {

void block_alarm(int how) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGALRM);
  pthread_sigmask(how, &one, nullptr);
}

}  // namespace

// A signal that waits while stacks are switched comes between the handler's end and the exception.
TEST_CASE("handlers that fault while a fiber is unwound" NO_TSAN("signals wait there")) {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              static std::atomic<int> g_signals{0};
              static shared_file g_file(page);
              g_file.resize(0);
              static const volatile unsigned char* const g_bad = g_file.map(page);
              struct sigaction action {};
              action.sa_handler = [](int) {
                ++g_signals;
                (void)*g_bad;
              };
              sigaction(SIGALRM, &action, nullptr);
              const itimerval often{{0, 100}, {0, 100}};
              block_alarm(SIG_BLOCK);
              setitimer(ITIMER_REAL, &often, nullptr);
              const auto* const bad = cut_off();
              const auto place = const_cast<unsigned char*>(g_bad);
              const int wanted = static_cast<int>(5000 / sampling());
              int unwound = 0;
              while (g_signals < wanted) {
                nosigbus::fiber f([bad] { (void)bad[0]; });
                nosigbus::guard([&] {
                  block_alarm(SIG_UNBLOCK);
                  auto stop = f.resume();
                  while (stop.faulted()) {
                    if (stop.fault().address == reinterpret_cast<uintptr_t>(bad)) {
                      stop = f.unwind();
                    } else {
                      stop = f.fill();
                      mmap(place, page, PROT_READ, MAP_SHARED | MAP_FIXED, g_file.fd(), 0);
                    }
                  }
                  block_alarm(SIG_BLOCK);
                  CHILD_CHECK(stop.unwound() && stop.error() == 0);
                  CHILD_CHECK(stop.fault().address == reinterpret_cast<uintptr_t>(bad));
                  ++unwound;
                }).error();
              }
              CHILD_CHECK(unwound > 0);
              return 0;
            },
            60) == exited(0));
}
