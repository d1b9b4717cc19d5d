// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

#include <cstdint>
#include <cstring>

namespace test {

// The calling thread's, of the kernel's 64 signals.
inline uint64_t signal_mask() {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  uint64_t out;
  memcpy(&out, &now, sizeof out);
  return out;
}

}  // namespace test
