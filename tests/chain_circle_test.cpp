// SPDX-License-Identifier: MIT
//
// Handlers that are installed on top of ours and chain to it, up to those that come to call each other.
#include <doctest/doctest.h>
#include <errno.h>
#include <nosigbus/runtime.h>
#include <unistd.h>

#include <functional>

#include "support/chain_fixture.h"
#include "support/no_tsan.h"

namespace {

using namespace test;

const shared_count* g_calls = nullptr;
struct sigaction g_below[2];

void first_top(int signo, siginfo_t* info, void* ucontext) {
  ++*g_calls;
  g_below[0].sa_sigaction(signo, info, ucontext);
}

void second_top(int signo, siginfo_t* info, void* ucontext) {
  ++*g_calls;
  g_below[1].sa_sigaction(signo, info, ucontext);
}

constexpr int top_flags[] = {0, SA_NODEFER, SA_ONSTACK, SA_NODEFER | SA_ONSTACK};

// On top of ours, and with ours on top of it in turn.
void go_between(void (*handler)(int, siginfo_t*, void*), int flags, int number) {
  install_handler(SIGBUS, handler, flags, &g_below[number]);
  CHILD_CHECK(nosigbus_rearm() == 0);
}

// Runs body in a child, which has to end so, after so many calls of handlers.
void ends_after(unsigned calls, const outcome& end, const std::function<void()>& body) {
  const shared_count counted;
  g_calls = &counted;
  CHECK(in_child([&] {
          body();
          return 0;
        }) == end);
  CHECK(counted.get() == calls);
}

}  // namespace

TEST_CASE("Two handlers that chain to each other: a foreign fault kills, each is called once") {
  for (const int flags : top_flags) {
    for (const bool sent : {false, true}) {
      CAPTURE(flags);
      CAPTURE(sent);
      ends_after(1, killed_by(SIGBUS), [=] {
        const missing_page f;
        set_alternate_stack(true);
        signal(SIGBUS, SIG_DFL);
        CHILD_CHECK(nosigbus_install(0) == 0);
        install_handler(SIGBUS, first_top, flags, &g_below[0]);
        CHILD_CHECK(nosigbus_check() == -EBUSY);
        CHILD_CHECK(nosigbus_rearm() == 0);
        CHILD_CHECK(nosigbus_check() == 0);
        CHILD_CHECK(*f.guarded == 0);  // ours stays ours
        CHILD_CHECK(g_calls->get() == 0);
        sent ? static_cast<void>(raise(SIGBUS)) : f.read_foreign();
      });
    }
  }
}

TEST_CASE("Three handlers in a circle, two of them on top of ours in turn") {
  for (const int flags : top_flags) {
    CAPTURE(flags);
    const shared_count calls;
    g_calls = &calls;
    CHECK(in_child([=] {
            const missing_page f;
            signal(SIGBUS, SIG_DFL);
            CHILD_CHECK(nosigbus_install(0) == 0);
            install_handler(SIGBUS, first_top, flags, &g_below[0]);
            CHILD_CHECK(nosigbus_rearm() == 0);
            install_handler(SIGBUS, second_top, flags, &g_below[1]);
            CHILD_CHECK(*f.guarded == 0);
            CHILD_CHECK(g_calls->get() == 1);  // the second asks ours at once
            CHILD_CHECK(nosigbus_rearm() == 0);
            f.read_foreign();
            return 0;
          }) == killed_by(SIGBUS));
    CHECK(calls.get() >= 2);  // here the second, and perhaps the first: nobody twice
    CHECK(calls.get() <= 3);
  }
}

TEST_CASE("A handler on top that chains to ours: ours are absorbed, foreign ones kill") {
  for (const int flags : top_flags) {
    for (const bool foreign : {false, true}) {
      CAPTURE(flags);
      CAPTURE(foreign);
      const shared_count calls;
      g_calls = &calls;
      const outcome end =
          fault_below(foreign, [flags] { install_handler(SIGBUS, first_top, flags, &g_below[0]); });
      CHECK(end == (foreign ? killed_by(SIGBUS) : exited(0)));
      CHECK(calls.get() == 1);
    }
  }
}

namespace {

unsigned char* g_bad_page = nullptr;

void only_count(int, siginfo_t*, void*) { ++*g_calls; }

void ask_twice(int signo, siginfo_t* info, void* ucontext) {
  g_below[0].sa_sigaction(signo, info, ucontext);
  g_below[0].sa_sigaction(signo, info, ucontext);
  mmap(g_bad_page, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

}  // namespace

TEST_CASE("A handler on top may ask ours twice about one signal: the previous one is called twice") {
  for (const int flags : top_flags) {
    CAPTURE(flags);
    const shared_count calls;
    g_calls = &calls;
    CHECK(in_child([=] {
            const missing_page m;
            g_bad_page = m.foreign;
            install_handler(SIGBUS, only_count, 0);
            CHILD_CHECK(nosigbus_install(0) == 0);
            install_handler(SIGBUS, ask_twice, flags, &g_below[0]);
            m.read_foreign();
            return 0;
          }) == exited(0));
    CHECK(calls.get() == 2);
  }
}

namespace {

// As handlers do that report a fault before the process ends of it.
void report_and_leave(int signo, siginfo_t*, void*) {
  ++*g_calls;
  sigaction(signo, &g_below[0], nullptr);
  raise(signo);
}

}  // namespace

TEST_CASE(
    "A handler on top that takes itself away and raises the signal again: called once and the signal "
    "kills" NO_TSAN("its handler has its own")) {
  for (const int flags : top_flags) {
    for (const int times : {1, 2}) {
      CAPTURE(flags);
      CAPTURE(times);
      ends_after(1, killed_by(SIGBUS), [=] {
        const missing_page f;
        set_alternate_stack(true);
        signal(SIGBUS, SIG_DFL);
        CHILD_CHECK(nosigbus_install(0) == 0);
        for (int i = 0; i < times; ++i) {
          go_between(report_and_leave, flags, 0);
          if (i + 1 < times) sigaction(SIGBUS, &g_below[0], nullptr);
        }
        CHILD_CHECK(*f.guarded == 0);
        f.read_foreign();
      });
    }
  }
}

TEST_CASE("A handler on top that has left is not called" NO_TSAN("its handler has its own")) {
  for (const int flags : top_flags) {
    CAPTURE(flags);
    ends_after(0, killed_by(SIGBUS), [=] {
      const missing_page f;
      signal(SIGBUS, SIG_DFL);
      CHILD_CHECK(nosigbus_install(0) == 0);
      go_between(report_and_leave, flags, 0);
      sigaction(SIGBUS, &g_below[0], nullptr);
      CHILD_CHECK(*f.guarded == 0);
      f.read_foreign();
    });
  }
}

namespace {

// As nobody else here ends.
void end_by_itself(int, siginfo_t*, void*) { _exit(7); }

void put_back_first(int signo, siginfo_t*, void*) {
  ++*g_calls;
  sigaction(signo, &g_below[0], nullptr);
}
void put_back_second(int signo, siginfo_t*, void*) {
  ++*g_calls;
  sigaction(signo, &g_below[1], nullptr);
}

}  // namespace

TEST_CASE("A handler on top that leaves for one with the same flags: called once and then that one" NO_TSAN(
    "its handler has its own")) {
  for (const int flags : top_flags) {
    CAPTURE(flags);
    ends_after(1, exited(7), [=] {
      const missing_page f;
      install_handler(SIGBUS, end_by_itself, flags);
      CHILD_CHECK(nosigbus_install(0) == 0);
      go_between(put_back_first, flags, 0);
      f.read_foreign();
    });
  }
}

TEST_CASE(
    "A handler on top that leaves where another one has left before: the other one is not called" NO_TSAN(
        "its handler has its own")) {
  for (const int flags : top_flags) {
    CAPTURE(flags);
    ends_after(1, killed_by(SIGBUS), [=] {
      const missing_page f;
      signal(SIGBUS, SIG_DFL);
      CHILD_CHECK(nosigbus_install(0) == 0);
      go_between(put_back_first, flags, 0);
      sigaction(SIGBUS, &g_below[0], nullptr);
      go_between(put_back_second, flags, 1);
      CHILD_CHECK(*f.guarded == 0);
      f.read_foreign();
    });
  }
}

// As Go's runtime does to handlers that it finds.
TEST_CASE("A handler on top is called also where somebody has changed the flags of ours" NO_TSAN(
    "its handler has its own")) {
  ends_after(1, killed_by(SIGBUS), [] {
    const missing_page f;
    signal(SIGBUS, SIG_DFL);
    CHILD_CHECK(nosigbus_install(0) == 0);
    go_between(put_back_first, 0, 0);
    struct sigaction ours {};
    sigaction(SIGBUS, nullptr, &ours);
    ours.sa_flags |= SA_ONSTACK;
    sigaction(SIGBUS, &ours, nullptr);
    f.read_foreign();
  });
}
