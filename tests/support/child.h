// SPDX-License-Identifier: MIT
//
// Runs code that may die, or hang, in a process of its own.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <ostream>

namespace test {

// How a child ended.
struct outcome {
  int exit_code = -1;  // -1 unless it exited
  int signo = 0;       // what killed it, 0 if nothing did
  bool timed_out = false;

  bool operator==(const outcome&) const = default;
};

inline outcome exited(int code) { return {code, 0, false}; }
inline outcome killed_by(int signo) { return {-1, signo, false}; }

inline std::ostream& operator<<(std::ostream& out, const outcome& o) {
  if (o.timed_out) return out << "timed out";
  if (o.signo != 0) return out << "killed by signal " << o.signo;
  return out << "exited with " << o.exit_code;
}

// Waits for a child, kills it after `seconds` (longer on a slow machine, child.cpp).
outcome wait_for(pid_t child, int seconds);

// Runs fn in a forked child; the child exits with fn's result, without running destructors or atexit.
template <class F>
outcome in_child(F fn, int seconds = 20) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    _exit(fn());
  }
  return wait_for(child, seconds);
}

// For code in children: says what was expected, and ends the process with a status no test expects.
#define CHILD_CHECK(condition)                                                      \
  do {                                                                              \
    if (!(condition)) {                                                             \
      dprintf(2, "%s:%d: in child: expected %s\n", __FILE__, __LINE__, #condition); \
      _exit(99);                                                                    \
    }                                                                               \
  } while (false)

}  // namespace test
