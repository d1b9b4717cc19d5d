// SPDX-License-Identifier: MIT
//
// Fibers: faults that ordinary code decides about, and code that goes on.
#include <nosigbus/recovery.h>
#include <sys/time.h>
#include <nosigbus/fiber.hpp>
#include <nosigbus/throwing_guard.hpp>

#include <atomic>
#include <cerrno>
#include <nosigbus/nosigbus.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/each_entry.h"
#include "support/fiber_memory.h"
#include "support/no_tsan.h"
#include "support/sampling.h"
#include "support/signal_mask.h"

using namespace test;

namespace {

const size_t page = page_size();

bool same_stack(const stack_t& a, const stack_t& b) {
  return a.ss_sp == b.ss_sp && a.ss_flags == b.ss_flags && a.ss_size == b.ss_size;
}

}  // namespace

TEST_CASE("without a fault it runs to its end" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    int runs = 0;
    nosigbus::fiber f([&] { ++runs; });
    const auto stop = f.resume();
    CHILD_CHECK(stop && stop.finished() && !stop.faulted() && stop.error() == 0);
    CHILD_CHECK(stop.fault().cause == NOSIGBUS_NONE);
    CHILD_CHECK(runs == 1);
    CHILD_CHECK(f.resume().error() == -EINVAL);
    CHILD_CHECK(f.fill().error() == -EINVAL);
    CHILD_CHECK(runs == 1);
  });
}

TEST_CASE("filled, retried: it goes on with the very instruction" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    memory m;
    std::vector<unsigned char> seen;
    nosigbus::fiber f([&] {
      for (size_t i = page - 2; i < 4 * page; i += page) seen.push_back(m.at(i));
      seen.push_back(static_cast<unsigned char>(sum_deep(m, 3 * page, 100)));
    });
    auto stop = f.resume();
    CHILD_CHECK(stop.faulted() && !stop);
    CHILD_CHECK(stop.fault().address == reinterpret_cast<uintptr_t>(m.begin) + 2 * page - 2);
    CHILD_CHECK(stop.fault().signo == SIGBUS);
    // Nothing has changed: it faults again.
    stop = f.retry();
    CHILD_CHECK(stop.faulted() &&
                stop.fault().address == reinterpret_cast<uintptr_t>(m.begin) + 2 * page - 2);
    const std::vector<std::byte> bytes(page, std::byte{0x77});
    stop = f.fill(bytes);
    CHILD_CHECK(stop.faulted() &&
                stop.fault().address == reinterpret_cast<uintptr_t>(m.begin) + 3 * page - 2);
    stop = f.fill();
    CHILD_CHECK(stop.faulted() &&
                stop.fault().address == reinterpret_cast<uintptr_t>(m.begin) + 4 * page - 2);
    m.repair();
    CHILD_CHECK(f.retry().finished());
    CHILD_CHECK((seen == std::vector<unsigned char>{pattern(page - 2), 0x77, 0, pattern(4 * page - 2),
                                                    pattern(3 * page)}));
  });
}

TEST_CASE("the host is in ordinary code: mask, alternate stack, allocation, faults of its own" NO_TSAN(
    "does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &some, nullptr);
    const uint64_t mask_before = signal_mask();
    stack_t before, after;
    sigaltstack(nullptr, &before);
    memory m, other;
    uint64_t mask_inside = 0;
    nosigbus::fiber f([&] {
      CHILD_CHECK(m.at(page) == 0);
      mask_inside = signal_mask();
    });
    CHILD_CHECK(f.resume().faulted());
    CHILD_CHECK(signal_mask() == mask_before);
    sigaltstack(nullptr, &after);
    CHILD_CHECK(same_stack(before, after));
    // The same signal, while the fiber stands in its handler.
    unsigned char byte;
    CHILD_CHECK(nosigbus_safe_read(&byte, other.begin + page, 1) == 0);
    CHILD_CHECK(!nosigbus::guard([&] { return other.at(page); }));
    nosigbus::fiber g([&] { CHILD_CHECK(other.at(2 * page) == 0); });
    CHILD_CHECK(g.resume().faulted());
    std::vector<std::string> allocated(1000, std::string(100, 'x'));
    CHILD_CHECK(f.fill().finished());
    CHILD_CHECK(mask_inside == mask_before);
    CHILD_CHECK(g.fill().finished());
    sigaltstack(nullptr, &after);
    CHILD_CHECK(same_stack(before, after));
  });
}

TEST_CASE("another thread may go on with it" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    memory m(0);
    int seen = 0;
    nosigbus::fiber f([&] {
      for (size_t i = 0; i < 4; ++i) {
        seen += m.at(i * page) == 0 ? 1 : 100;
        errno = static_cast<int>(i);
      }
    });
    CHILD_CHECK(f.resume().faulted());
    for (int i = 0; i < 4; ++i) {
      std::thread([&] {
        const uint64_t before = signal_mask();
        stack_t stack_before, stack_after;
        sigaltstack(nullptr, &stack_before);
        CHILD_CHECK(f.fill().finished() == (i == 3));
        sigaltstack(nullptr, &stack_after);
        CHILD_CHECK(signal_mask() == before);
        CHILD_CHECK(same_stack(stack_before, stack_after));
      }).join();
    }
    CHILD_CHECK(seen == 4);
  });
}

TEST_CASE(
    "guards that it leaves on another thread are taken out there" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    memory m(0), elsewhere;
    static const memory* g_memory;
    g_memory = &m;
    const auto other_thread = [](auto body) { std::thread(body).join(); };
    nosigbus::fiber f([&] {
      for (size_t i = 0; i < 2; ++i) {
        CHILD_CHECK(
            nosigbus_guard([](void* at) { return int{g_memory->at(*static_cast<size_t*>(at) * page)}; }, &i,
                           elsewhere.begin, page, nullptr) == 0);
        CHILD_CHECK(nosigbus::guard([&] { return m.at((i + 2) * page); }, elsewhere.begin, page));
      }
    });
    CHILD_CHECK(f.resume().faulted());
    other_thread([&] { CHILD_CHECK(f.fill().faulted()); });
    CHILD_CHECK(f.fill().faulted());
    other_thread([&] { CHILD_CHECK(f.fill().faulted()); });
    CHILD_CHECK(f.fill().finished());
    CHILD_CHECK(nosigbus_recovery_exchange(nullptr) == nullptr);
  });
}

TEST_CASE(
    "abandoned in the middle of what it does, and nothing is left" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    memory m;
    bool destroyed = false, returned = false;
    struct guard {
      bool& flag;
      ~guard() { flag = true; }
    };
    for (int i = 0; i < 1000; ++i) {
      nosigbus::fiber f([&] {
        const guard here{destroyed};
        nosigbus::guard([&] { sum_deep(m, page, 20); }, &m, 1).error();
        returned = true;
      });
      const size_t mappings = i == 10 ? count_vmas() : 0;
      CHILD_CHECK(f.resume().faulted());
      CHILD_CHECK(f.abandon().abandoned());
      CHILD_CHECK(f.retry().error() == -EINVAL);
      if (i == 10) CHILD_CHECK(count_vmas() <= mappings + 1);
    }
    CHILD_CHECK(!destroyed && !returned);
    // Guards of the abandoned are not in place.
    CHILD_CHECK(!nosigbus::guard([&] { return m.at(page); }));
  });
}

TEST_CASE("exceptions come out of it, also those that are being handled at a fault" NO_TSAN(
    "does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    memory m;
    const auto throws = [&](int value) {
      return nosigbus::fiber([&m, value] {
        try {
          throw value;
        } catch (int) {
          CHILD_CHECK(m.at(page) == 0 || value > 0);
          throw;
        }
      });
    };
    nosigbus::fiber a = throws(1), b = throws(2);
    CHILD_CHECK(a.resume().faulted());
    CHILD_CHECK(b.resume().faulted());
    CHILD_CHECK(std::uncaught_exceptions() == 0 && std::current_exception() == nullptr);
    int caught = 0;
    try {
      a.fill().error();
    } catch (int value) {
      caught = value;
    }
    CHILD_CHECK(caught == 1);
    try {
      b.retry().error();
    } catch (int value) {
      caught = value;
    }
    CHILD_CHECK(caught == 2);
    CHILD_CHECK(a.resume().error() == -EINVAL);
  });
}

TEST_CASE("signals at any moment, on whatever stack" NO_TSAN("signals wait there")) {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              static std::atomic<int> g_signals{0};
              static const memory* g_memory;
              memory m;
              g_memory = &m;
              struct sigaction action {};
              action.sa_flags = SA_ONSTACK;
              action.sa_handler = [](int) {
                ++g_signals;
                CHILD_CHECK(!nosigbus::guard([] { return g_memory->at(2 * page); }));
              };
              sigaction(SIGALRM, &action, nullptr);
              const itimerval often{{0, 100}, {0, 100}};
              setitimer(ITIMER_REAL, &often, nullptr);
              const int wanted = static_cast<int>(10000 / sampling());
              while (g_signals < wanted) {
                memory one;
                int sum = 0;
                nosigbus::fiber f([&] {
                  for (size_t i = 0; i < 4; ++i) sum += one.at(i * page);
                });
                auto stop = f.resume();
                while (stop.faulted()) stop = f.fill();
                CHILD_CHECK(stop.finished() && sum == pattern(0));
              }
              signal(SIGALRM, SIG_IGN);  // m ends here
              return 0;
            },
            60) == exited(0));
}
