// SPDX-License-Identifier: MIT
//
// Any machine: system calls by way of the C library's syscall(2). The weaker choice: somebody may interpose
// it, though hardly anybody does.
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

// What src/shared/syscalls.h and the struct below take for granted is otherwise there.
#if defined(__mips__)
#error "signal sets of 128 signals; rt_sigaction begins with the flags"
#elif defined(__sparc__) || defined(__alpha__)
#error "rt_sigaction has an argument more"
#elif defined(__s390__)
#error "mmap takes its arguments from memory"
#endif

namespace nosigbus::arch {

// Returns what the kernel returns: a result, or -errno. Leaves errno alone.
inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  const int saved = errno;
  long result = syscall(number, a, b, c, d, e, f);
  if (result == -1) result = -errno;
  errno = saved;
  return result;
}

// struct sigaction as rt_sigaction(2) takes it, at its longest: there may be no restorer. We use it for the
// default action alone, which is all 0 and means the same either way.
struct kernel_sigaction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  uint64_t mask;
};

}  // namespace nosigbus::arch
