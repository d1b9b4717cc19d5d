// SPDX-License-Identifier: MIT
//
// What a guard leaves behind: signal state, the list of guards, floating point; whichever way it is left, and
// with signals arriving all the time.
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <nosigbus/nosigbus.hpp>
#include <thread>

#include "support/each_entry.h"
#include "support/guard_forms.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"
#include "support/on_stack.h"
#include "support/sampling.h"
#include "support/shared_file.h"
#include "support/signal_mask.h"

using namespace test;

namespace {

const size_t page = page_size();

const unsigned char* cut_off() {
  shared_file file(page);
  const unsigned char* const at = file.map(page);
  file.resize(0);
  return at;
}

bool stopped(guard_form how, const unsigned char* at) {
  return run_guarded(how, [at] { (void)*const_cast<const volatile unsigned char*>(at); }).cause !=
         NOSIGBUS_NONE;
}
// By either of them.
bool stopped(const unsigned char* at) {
  return stopped(guard_form::inlined, at) && stopped(guard_form::called, at);
}

}  // namespace

TEST_CASE("mask and alternate stack are as they were" NO_TSAN("its handler has its own")) {
  in_each_entry(exited(0), [] {
    const unsigned char* const bad = cut_off();
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    sigaddset(&some, SIGHUP);
    pthread_sigmask(SIG_SETMASK, &some, nullptr);
    const auto check = [&] {
      const uint64_t mask_before = signal_mask();
      stack_t before, after;
      sigaltstack(nullptr, &before);
      CHILD_CHECK(stopped(bad));
      sigaltstack(nullptr, &after);
      CHILD_CHECK(signal_mask() == mask_before);
      CHILD_CHECK(before.ss_sp == after.ss_sp);
      CHILD_CHECK(before.ss_flags == after.ss_flags);
      CHILD_CHECK(before.ss_size == after.ss_size);
    };
    check();
    on_alternate_stack(check);
    on_own_stack_in_handler(check);
    static unsigned char g_stack[1 << 17];
    stack_t stack{};
    stack.ss_sp = g_stack;
    stack.ss_size = sizeof g_stack;
    stack.ss_flags = static_cast<int>(1u << 31);  // SS_AUTODISARM
    if (sigaltstack(&stack, nullptr) == 0) check();
    std::thread(check).join();
    // Signals arrive afterwards, SIGBUS among them.
    CHILD_CHECK(stopped(bad));
  });
}

TEST_CASE("registers that belong to the caller, and what it promises about flags, are as they were") {
  in_each_entry(exited(0), [] {
    const unsigned char* const bad = cut_off();
    volatile double sum = 0;
    double a = 1.5, b = 2.5, c = 3.5, d = 4.5;  // in registers where some belong to the caller
    long p = 1, q = 2, r = 3, s = 4, t = 5, u = 6;
    for (int i = 0; i < 100; ++i) {
      asm volatile("" : "+r"(p), "+r"(q), "+r"(r), "+r"(s), "+r"(t), "+r"(u));
      CHILD_CHECK(stopped(bad));
      asm volatile("" : "+r"(p), "+r"(q), "+r"(r), "+r"(s), "+r"(t), "+r"(u));
      sum = sum + a * b + c * d;
      a += 1;
      p += q + r + s + t + u;
    }
    CHILD_CHECK(p == 1 + 100 * 20);
    CHILD_CHECK(sum == 100 * (1.5 * 2.5 + 3.5 * 4.5) + 2.5 * 4950);
    CHILD_CHECK(fegetround() == FE_TONEAREST);
    char from[64] = "forwards", to[64];
    memmove(to, from, sizeof from);  // "rep movs" goes by the direction flag
    CHILD_CHECK(strcmp(to, "forwards") == 0);
  });
}

TEST_CASE("exceptions pass through, however many guards there are") {
  in_each_entry(exited(0), [] {
    const unsigned char* const bad = cut_off();
    int destroyed = 0;
    struct counted {
      int& count;
      ~counted() { ++count; }
    };
    for (int i = 0; i < 100; ++i) {
      const auto outer = nosigbus::guard([&] {
        try {
          run_guarded(guard_forms[i % 2], [&] {
            const counted here{destroyed};
            run_guarded(guard_forms[i / 2 % 2], [&] {
              const counted there{destroyed};
              throw i;
            });
          });
        } catch (int thrown) {
          CHILD_CHECK(thrown == i);
        }
        return *const_cast<const volatile unsigned char*>(bad);  // stops this one, which is still there
      });
      CHILD_CHECK(!outer);
    }
    CHILD_CHECK(destroyed == 200);
  });
}

TEST_CASE("pthread_exit and cancellation pass through, and their cleanup may meet faults") {
  in_each_entry(exited(0), [] {
    static const unsigned char* g_bad;
    g_bad = cut_off();
    static std::atomic<int> g_cleaned{0};
    static int g_rounds = 0;
    const auto leave = [](void* how) -> void* {
      run_guarded(*static_cast<const guard_form*>(how), [&] {
        struct cleanup {
          ~cleanup() {
            CHILD_CHECK(stopped(g_bad));
            ++g_cleaned;
          }
        } const here;
        run_guarded(*static_cast<const guard_form*>(how), [&] {
          if (g_rounds % 4 < 2) pthread_exit(nullptr);
          pthread_cancel(pthread_self());
          pthread_testcancel();
        });
      });
      CHILD_CHECK(false);
      return nullptr;
    };
    for (; g_rounds < 20; ++g_rounds) {
      pthread_t thread;
      guard_form how = guard_forms[g_rounds % 2];
      CHILD_CHECK(pthread_create(&thread, nullptr, leave, &how) == 0);
      CHILD_CHECK(pthread_join(thread, nullptr) == 0);
    }
    CHILD_CHECK(g_cleaned == 20);
  });
}

TEST_CASE("a child of fork has its thread's guards") {
  in_each_entry(exited(0), [] {
    const unsigned char* const bad = cut_off();
    const auto result = nosigbus::guard([bad] {
      const pid_t child = fork();
      const int byte = *const_cast<const volatile unsigned char*>(bad);
      return child + byte;
    });
    CHILD_CHECK(!result);
    // Both are here.
  });
}

// A timer's handler that has guards of its own, and faults in them, at every instruction of other guards.
TEST_CASE("signals at any moment" NO_TSAN("signals wait there")) {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              static const unsigned char* g_bad;
              static std::atomic<int> g_signals{0};
              g_bad = cut_off();
              struct sigaction action {};
              action.sa_handler = [](int) {
                ++g_signals;
                // Covers what the interrupted guards cover, too, and is in front of them.
                CHILD_CHECK(stopped(g_bad));
              };
              sigaction(SIGALRM, &action, nullptr);
              const itimerval often{{0, 50}, {0, 50}};
              setitimer(ITIMER_REAL, &often, nullptr);
              const int wanted = static_cast<int>(20000 / sampling());
              for (int i = 0; g_signals < wanted; ++i) {
                if (i % 4 == 0) CHILD_CHECK(stopped(g_bad));
                run_guarded(guard_form::called, [] {});
                CHILD_CHECK(*nosigbus::guard([i] { return i; }) == i);
              }
              return 0;
            },
            60) == exited(0));
}

namespace {

// Enters a guard with so much stack below its caller, and leaves it without a word.
[[gnu::noinline]] void leave_by_longjmp(size_t depth) {
  char room[256];
  asm volatile("" ::"r"(room) : "memory");
  if (depth > 0) {
    leave_by_longjmp(depth - 1);
  } else {
    jmp_buf out;
    if (_setjmp(out) == 0) {
      nosigbus_guard([](void* to) -> int { _longjmp(*static_cast<jmp_buf*>(to), 1); }, out, nullptr, 0,
                     nullptr);
    }
  }
  asm volatile("" ::"r"(room) : "memory");
}

int nothing(void*) { return 0; }

}  // namespace

// Without checks it is undefined; with them, the next guard finds out, or the next fault.
TEST_CASE("a guard that is left by longjmp") {
  if (!NOSIGBUS_TEST_CHECKS) return;
  CHECK(in_child([] {
          static jmp_buf g_out;
          static int g_rounds = 0;
          while (g_rounds++ < 2) {
            if (_setjmp(g_out) == 0) {
              nosigbus_guard([](void*) -> int { _longjmp(g_out, 1); }, nullptr, nullptr, 0, nullptr);
            }
          }
          return 0;
        }) == killed_by(SIGABRT));
  CHECK(in_child([] {
          nosigbus::guard([] { leave_by_longjmp(0); }).error();
          return 0;
        }) == killed_by(SIGABRT));
  for (const size_t depth : {0, 1, 20}) {
    CAPTURE(depth);
    CHECK(in_child([depth] {
            leave_by_longjmp(depth);
            nosigbus_guard(nothing, nullptr, nullptr, 0, nullptr);
            return 0;
          }) == killed_by(SIGABRT));
    if (!NOSIGBUS_TEST_CHECKS_AT_FAULTS) continue;
    CHECK(in_child([depth] {
            const unsigned char* const bad = cut_off();
            nosigbus_install(0);
            leave_by_longjmp(depth);
            return static_cast<int>(*const_cast<const volatile unsigned char*>(bad));
          }) == killed_by(SIGABRT));
  }
}

// An alternate stack within the one that it interrupts: the guards there lie below those of the handler.
TEST_CASE("guards of a handler whose stack lies above the one that it interrupted" NO_TSAN(
    "its handler has its own")) {
  CHECK(in_child([] {
          const unsigned char* const bad = cut_off();
          nosigbus_install(0);
          alignas(16) unsigned char room[size_t{1} << 17];
          with_alternate_stack(room, sizeof room, [bad] {
            run_guarded(guard_form::called,
                        [bad] { in_handler([bad] { CHILD_CHECK(stopped(bad)); }, SA_ONSTACK); });
          });
          return 0;
        }) == exited(0));
}
