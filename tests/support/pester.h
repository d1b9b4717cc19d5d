// SPDX-License-Identifier: MIT
//
// Signals at 10 kHz to each thread that asks for them, whatever it is doing. Their handler meets faults of
// its own.
#pragma once

#include <errno.h>
#include <nosigbus/guard.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "child.h"
#include "shared_file.h"

namespace test {

struct pester {
  static constexpr long nanoseconds = 100'000;
  static int signo() { return SIGRTMIN + 4; }

  // Signals that arrived in this process. No partner.
  static inline std::atomic<uint64_t> g_signals{0};
  // A page that is missing, and what one in eight signals does with it. Written before the first signal.
  static inline const unsigned char* g_missing = nullptr;
  static inline void (*g_meet)() = nullptr;

  // Nobody survives a fault then.
  static bool blocks_sigbus() {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, SIGBUS) == 1;
  }

  static void handle(int) {
    const int error = errno;
    if (g_signals.fetch_add(1, std::memory_order_relaxed) % 8 == 0 && g_meet != nullptr && !blocks_sigbus())
      g_meet();
    errno = error;
  }

  // A fault of the handler's own, which its guard stops: nosigbus_last_fault stays the interrupted code's.
  static void meet_in_guard() {
    const auto read = [](void*) -> int { return *const_cast<const volatile unsigned char*>(g_missing); };
    if (nosigbus_guard(read, nullptr, g_missing, page_size(), nullptr) == -EFAULT) return;
    static const char g_text[] = "pester: a guard in a signal handler was not stopped\n";
    [[maybe_unused]] const ssize_t written = write(2, g_text, sizeof g_text - 1);
    _exit(98);
  }

  // Once in a process, before its threads. flags: SA_ONSTACK or 0.
  static void begin(void (*meet)(), int flags = SA_ONSTACK) {
    g_meet = meet;
    const shared_file file(page_size());
    g_missing = file.map(page_size());
    CHILD_CHECK(ftruncate(file.fd(), 0) == 0);
    struct sigaction action {};
    action.sa_handler = handle;
    action.sa_flags = flags | SA_RESTART;
    CHILD_CHECK(sigaction(signo(), &action, nullptr) == 0);
  }
};

// The thread that makes one is pestered until its end. A child of fork is not (timer_create(2)).
class pestered {
 public:
  pestered() {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = pester::signo();
    event._sigev_un._tid = gettid();
    CHILD_CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0);
    const itimerspec often{{0, pester::nanoseconds}, {0, pester::nanoseconds}};
    CHILD_CHECK(timer_settime(timer_, 0, &often, nullptr) == 0);
  }
  ~pestered() { timer_delete(timer_); }
  pestered(const pestered&) = delete;
  pestered& operator=(const pestered&) = delete;

 private:
  timer_t timer_{};
};

}  // namespace test
