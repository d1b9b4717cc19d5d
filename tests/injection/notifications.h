// SPDX-License-Identifier: MIT
//
// System calls that another process decides on: seccomp_unotify(2).
//
// Not by ptrace(2) or strace(1): a tracer sees each signal, too, and stands between the kernel and the
// handler that is tested; a filter's answer reaches the caller as if the kernel had given it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>

#include "system_calls.h"

namespace test {

class notifications {
 public:
  notifications();
  ~notifications();
  notifications(const notifications&) = delete;
  notifications& operator=(const notifications&) = delete;

  // In a child: from now on its system calls are asked about, and those of whatever it becomes and starts.
  void ask();

  // What a call of a thread returns, in the kernel's place; nothing: it is the kernel's to do.
  using decision = std::function<std::optional<long>(pid_t thread, const system_call& call)>;
  // In the parent of that child: until all of them are gone; or false when `goes_on` says no, or nobody has
  // asked for so long. Later calls fail then.
  bool answer(const decision& decide, const std::function<bool()>& goes_on, int milliseconds = 60'000);

 private:
  int ends_[2];
};

}  // namespace test
