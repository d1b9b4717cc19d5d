// SPDX-License-Identifier: MIT
//
// fork in all ways while all threads fault; the children fault, too, and end in all ways.
#include <spawn.h>

#include "crowd.h"

extern char** environ;

// Of a child of fork(2) nobody finds the other threads' stacks, nor by them their memory.
extern "C" int __lsan_is_turned_off() { return 1; }

using namespace life_cycle;
using test::exited, test::in_child, test::killed_by, test::outcome;

namespace {

// AddressSanitizer's allocator (clang 14) is not among what fork gives to the child unlocked.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool child_allocates = false;
#elif defined(__has_feature)
constexpr bool child_allocates = !__has_feature(address_sanitizer);
#else
constexpr bool child_allocates = true;
#endif

struct ending {
  const char* name;
  void (*end)();
  outcome expected;
  // Not after _Fork, whose child has the C library's locks as they were; nor where it must not allocate.
  bool takes_locks = false;
};

void become_a_shell() { execl("/bin/sh", "sh", "-c", "exit 7", nullptr); }
// Handlers are gone after exec(2), and the mask is what it was: open.
void become_one_that_dies() { execl("/bin/sh", "sh", "-c", "ulimit -c 0; kill -BUS $$; exit 0", nullptr); }
// Of the thread that forks.
thread_local const volatile unsigned char* t_missing;
void die_by_a_stranger() { (void)*t_missing; }

const ending endings[] = {
    {"_exit", [] { _exit(7); }, exited(7)},
    {"exit", [] { exit(7); }, exited(7), true},
    {"quick_exit", [] { quick_exit(7); }, exited(7), true},
    {"abort", [] { abort(); }, killed_by(SIGABRT)},
    {"SIGKILL", [] { raise(SIGKILL); }, killed_by(SIGKILL)},
    {"exec", become_a_shell, exited(7)},
    {"exec, and SIGBUS", become_one_that_dies, killed_by(SIGBUS)},
    {"a fault that is nobody's", die_by_a_stranger, killed_by(SIGBUS)},
};
const ending& ending_of(size_t turn) { return endings[turn % std::size(endings)]; }

void check_outcome(const outcome& got, const ending& how) {
  if (got == how.expected) return;
  dprintf(2, "%s: exit status %d, signal %d, timed out %d\n", how.name, got.exit_code, got.signo,
          got.timed_out);
  CHILD_CHECK(false);
}

// self: of the thread that forked; the child has its files, its region and its place in the file.
void fork_once(member& self, size_t turn) {
  const ending& how = ending_of(turn).takes_locks && !child_allocates ? endings[0] : ending_of(turn);
  t_missing = self.missing();
  const bool raw = turn % 3 == 0 && !how.takes_locks;
  const pid_t child = raw ? _Fork() : fork();
  CHILD_CHECK(child >= 0);
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const test::pestered thread;
    for (int kind = 0; kind < member::kinds; ++kind) self.meet(kind == 3 ? 0 : kind);
    if (!raw && child_allocates) {
      member own(turn);
      own.meet_all();
    }
    how.end();
    _exit(1);
  }
  check_outcome(test::wait_for(child, 60), how);
}

void vfork_once(const member& self, size_t turn) {
  const ending& how = endings[turn % 2 == 0 ? 5 : 6];
  const pid_t child = vfork();
  CHILD_CHECK(child >= 0);
  if (child == 0) {
    unsigned char value = 5;
    if (nosigbus_safe_load8(const_cast<const unsigned char*>(self.missing()), &value) == -EFAULT) how.end();
    _exit(1);
  }
  check_outcome(test::wait_for(child, 60), how);
}

void spawn_once(const char* script, const outcome& expected) {
  const char* const arguments[] = {"sh", "-c", script, nullptr};
  pid_t child;
  CHILD_CHECK(
      posix_spawn(&child, "/bin/sh", nullptr, nullptr, const_cast<char* const*>(arguments), environ) == 0);
  CHILD_CHECK(test::wait_for(child, 60) == expected);
}

// Two threads that do so at once, beside those that fault.
template <class Do>
void in_two_threads(size_t times, Do once) {
  begin();
  {
    const crowd others;
    std::thread threads[2];
    for (size_t i = 0; i < 2; ++i) {
      threads[i] = std::thread([&, i] {
        const test::pestered thread;
        member self(20 + i);
        for (size_t turn = i; turn < times; turn += 2) {
          once(self, turn);
          self.meet(static_cast<int>(turn % member::kinds));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    others.go_on();
  }
  const test::pestered thread;
  member self(1);
  expect_no_leak(times / 8, [&](size_t turn) { once(self, turn); });
}

}  // namespace

TEST_CASE("children of fork fault and end in all ways while all threads fault" LIFE_CYCLE) {
  CHECK(in_child(
            [] {
              in_two_threads(cycles(160), fork_once);
              return 0;
            },
            100) == exited(0));
}

TEST_CASE("children of vfork become programs while all threads fault" LIFE_CYCLE) {
  CHECK(in_child(
            [] {
              in_two_threads(cycles(100), vfork_once);
              return 0;
            },
            100) == exited(0));
}

TEST_CASE("posix_spawn and system while all threads fault" LIFE_CYCLE) {
  CHECK(in_child(
            [] {
              in_two_threads(cycles(100), [](const member&, size_t turn) {
                spawn_once("exit 7", exited(7));
                if (turn % 2 == 0) spawn_once("ulimit -c 0; kill -BUS $$", killed_by(SIGBUS));
                if (turn % 4 == 0) CHILD_CHECK(WEXITSTATUS(system("exit 7")) == 7);
              });
              return 0;
            },
            100) == exited(0));
}
