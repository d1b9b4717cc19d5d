// SPDX-License-Identifier: MIT
//
// Threads that end within each state that they can be in. What is left of them must be in nobody's way.
#include <poll.h>
#include <pthread.h>

#include <array>
#include <functional>
#ifdef NOSIGBUS_TEST_FIBERS
#include <nosigbus/fiber.hpp>
#endif

#include "crowd.h"

using namespace life_cycle;
using test::exited, test::in_child, test::killed_by;

namespace {

enum class way { returns, exits, is_cancelled };
constexpr way ways[] = {way::returns, way::exits, way::is_cancelled};

void leave(way how) {
  if (how == way::exits) pthread_exit(nullptr);
  if (how == way::is_cancelled) {
    pthread_cancel(pthread_self());
    pthread_testcancel();
  }
}

// A region and a byte that is missing, which all threads of a test share, one after the other.
struct shared {
  member self{7};
  test::shared_file file{4 * page};
  nosigbus::region region = test::make_region(test::origin::mapped, file, 4 * page);
  // Of the last thread; its memory is ours to give back.
  std::unique_ptr<std::array<unsigned char, size_t{1} << 16>> stack;
#ifdef NOSIGBUS_TEST_FIBERS
  std::unique_ptr<member> of_fiber;
  std::unique_ptr<nosigbus::fiber> fiber;
#endif
};

struct state {
  const char* name;
  // Comes into it, and lets the thread end.
  void (*enter)(shared& all, way how);
};

void in_guard(shared& all, way how) {
  // Of any address; a fault has been stopped within.
  nosigbus::guard([&] {
    all.self.meet_all();
    leave(how);
  }).error();
}
void in_called_guard(shared& all, way how) {
  struct context {
    shared& all;
    way how;
  } both{all, how};
  nosigbus_guard(
      [](void* arg) {
        static_cast<context*>(arg)->all.self.meet_all();
        leave(static_cast<context*>(arg)->how);
        return 0;
      },
      &both, const_cast<unsigned char*>(all.self.missing()), 1, nullptr);
}
void in_three_guards(shared& all, way how) {
  nosigbus::guard([&] { nosigbus::guard([&] { in_called_guard(all, how); }).error(); }).error();
}
void in_handler_of_a_guard(shared& all, way how) {
  static thread_local const std::function<void()>* t_run;
  struct sigaction action {};
  action.sa_handler = [](int) { (*t_run)(); };
  action.sa_flags = SA_NODEFER;
  CHILD_CHECK(sigaction(SIGUSR1, &action, nullptr) == 0);
  const std::function<void()> run = [&] { in_guard(all, how); };
  t_run = &run;
  nosigbus::guard([] { pthread_kill(pthread_self(), SIGUSR1); }).error();
}
void in_bracket(shared& all, way how) {
  const uint64_t begun = all.region.begin_read();
  all.file.resize(page);
  CHILD_CHECK(test::peek(all.region, page) == 0);
  CHILD_CHECK(!all.region.end_read(begun));
  all.region.begin_read();
  leave(how);
}
void with_alternate_stack(shared& all, way how) {
  all.stack = std::make_unique<std::array<unsigned char, size_t{1} << 16>>();
  stack_t stack{};
  stack.ss_sp = all.stack->data();
  stack.ss_size = all.stack->size();
  CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
  all.self.meet_all();
  leave(how);
}
void with_recovery_point(shared& all, way how) {
  // On a stack that is gone soon, and nobody takes it out.
  nosigbus_recovery_point point{};
  point.recover = [](nosigbus_recovery_point*, void*) {
    static const char g_text[] = "a dead thread was asked\n";
    [[maybe_unused]] const ssize_t written = write(2, g_text, sizeof g_text - 1);
    _exit(96);
    return NOSIGBUS_DECLINE;
  };
  all.self.meet_all();
  nosigbus_recovery_begin(&point);
  leave(how);
}
// Functions that end within it are to hold nothing: nosigbus_dispatch throws nothing, says its declaration.
int end_in_callback(const nosigbus_event*, void* how) {
  leave(*static_cast<way*>(how));
  return 0;
}
void in_callback(shared& all, way how) {
  CHILD_CHECK(nosigbus_event_fd() >= 0);
  all.file.resize(page);
  CHILD_CHECK(test::peek(all.region, page) == 0);
  nosigbus_dispatch(end_in_callback, &how);
}
#ifdef NOSIGBUS_TEST_FIBERS
void with_fiber_at_fault(shared& all, way how) {
  all.of_fiber = std::make_unique<member>(8);  // a page of it is replaced later
  all.fiber = std::make_unique<nosigbus::fiber>([&] { (void)*all.of_fiber->missing(); });
  CHILD_CHECK(all.fiber->resume().faulted());
  leave(how);
}
void with_abandoned_fiber(shared& all, way how) {
  // Its stack is given back as the thread ends.
  nosigbus::fiber own([&] { (void)*all.self.missing(); });
  CHILD_CHECK(own.resume().faulted());
  CHILD_CHECK(own.abandon().abandoned());
  leave(how);
}
#endif

const state states[] = {
    {"a guard", in_guard},
    {"nosigbus_guard", in_called_guard},
    {"three guards", in_three_guards},
    {"a signal handler within a guard", in_handler_of_a_guard},
    {"an open bracket", in_bracket},
    {"an alternate stack", with_alternate_stack},
    {"a recovery point", with_recovery_point},
    {"the callback of an event", in_callback},
#ifdef NOSIGBUS_TEST_FIBERS
    {"a fiber at a fault", with_fiber_at_fault},
    {"a fiber that is abandoned", with_abandoned_fiber},
#endif
};

struct life {
  shared& all;
  const state& in;
  way how;
};
void* live(void* arg) {
  const life& own = *static_cast<life*>(arg);
  const test::pestered thread;
  own.in.enter(own.all, own.how);
  // Or it has ended.
  CHILD_CHECK(own.how == way::returns);
  return nullptr;
}
void live_and_die(shared& all, const state& in, way how) {
  life own{all, in, how};
  pthread_t thread;
  CHILD_CHECK(pthread_create(&thread, nullptr, live, &own) == 0);
  void* result = nullptr;
  CHILD_CHECK(pthread_join(thread, &result) == 0);
  CHILD_CHECK((result == PTHREAD_CANCELED) == (how == way::is_cancelled));
}

// What comes next finds everything as it should be: on the same stack, which the C library gives to the next
// thread.
void go_on(shared& all) {
  std::thread([&] { all.self.meet_all(); }).join();
  all.stack.reset();
  all.self.meet_all();
#ifdef NOSIGBUS_TEST_FIBERS
  if (all.fiber != nullptr) CHILD_CHECK(all.fiber->fill().finished());
  all.fiber.reset();
  all.of_fiber.reset();
#endif
  all.file.resize(4 * page);
  CHILD_CHECK(all.region.refresh() == 1);
  const auto nothing = [](const nosigbus_event*, void*) { return 0; };
  if (nosigbus_event_fd() >= 0) CHILD_CHECK(nosigbus_dispatch(nothing, nullptr) >= 0);
}

}  // namespace

TEST_CASE("a thread ends in each state and nothing of it is left" LIFE_CYCLE) {
  const size_t times = cycles(150) / (std::size(states) * std::size(ways)) + 1;
  for (const state& in : states) {
    for (const way how : ways) {
      CAPTURE(in.name);
      CAPTURE(static_cast<int>(how));
      CHECK(in_child(
                [&] {
                  begin();
                  const test::pestered thread;
                  shared all;
                  const auto once = [&](size_t) {
                    live_and_die(all, in, how);
                    go_on(all);
                  };
                  {
                    const crowd others;
                    for (size_t i = 0; i < times; ++i) once(i);
                    others.go_on();
                  }
                  expect_no_leak(times, once);
                  return 0;
                },
                100) == exited(0));
    }
  }
}

TEST_CASE("a fault that a dead thread's guard would have stopped kills" LIFE_CYCLE) {
  for (const state& in : states) {
    for (const way how : ways) {
      CAPTURE(in.name);
      CAPTURE(static_cast<int>(how));
      for (const bool in_new_thread : {false, true}) {
        CHECK(in_child([&] {
                begin();
                shared all;
                live_and_die(all, in, how);
                if (in_new_thread) std::thread([&] { (void)*all.self.missing(); }).join();
                return static_cast<int>(*all.self.missing());
              }) == killed_by(SIGBUS));
      }
    }
  }
}
