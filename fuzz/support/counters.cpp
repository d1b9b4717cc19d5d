// SPDX-License-Identifier: MIT
//
// In a file that is not instrumented itself: the compiler declares these in each that is.
#include "support/child.h"

// The linker knows where they are.
extern "C" {
extern __attribute__((weak, visibility("hidden"))) uint8_t __start___sancov_cntrs[], __stop___sancov_cntrs[];
}

fuzz::counters fuzz::compiler_counters() {
  if (__start___sancov_cntrs == nullptr) return {nullptr, 0};
  return {__start___sancov_cntrs, static_cast<size_t>(__stop___sancov_cntrs - __start___sancov_cntrs)};
}
