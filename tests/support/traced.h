// SPDX-License-Identifier: MIT
//
// Code in a child of which every system call, signal or instruction can be looked at, by ptrace(2).
#pragma once

#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

#include "child.h"

namespace test {

class traced {
 public:
  // Runs fn as in_child does. It stands still in front of fn.
  template <class F>
  explicit traced(F fn) {
    fflush(nullptr);
    id_ = fork();
    if (id_ == 0) {
      be_traced();
      const rlimit no_core{0, 0};
      setrlimit(RLIMIT_CORE, &no_core);
      _exit(fn());
    }
    attach();
  }
  // Kills it if it has not ended.
  ~traced();
  traced(const traced&) = delete;
  traced& operator=(const traced&) = delete;

  enum class stop { signal, call, instruction, end };
  // Goes on to the next signal, in front of its delivery, or to the end. A signal at which it stands is
  // delivered, unless it was `swallow`ed.
  stop go();
  // The same, and to either side of a system call.
  stop go_to_call();
  // The same, and to the next instruction.
  stop step();
  void swallow() { signo_ = 0; }

  pid_t id() const { return id_; }
  // Of a stop at a signal.
  int signo() const { return signo_; }
  // Of a stop at a system call: its number on the way in, -1 on the way out.
  long call() const { return call_; }
  // At the end.
  outcome how() const { return how_; }

 private:
  static void be_traced();
  void attach();
  stop resume(int request);

  pid_t id_ = -1;
  int signo_ = 0;
  long call_ = -1;
  bool ended_ = false;
  outcome how_;
};

}  // namespace test
