/* SPDX-License-Identifier: MIT
 *
 * Loops for codegen_test.sh: each with a guarded access, and the same with a volatile one. */
#include <nosigbus/copy.h>

#define LOOPS(bits)                                                             \
  uint64_t guarded_load##bits(const uint##bits##_t* from, size_t n) {           \
    uint64_t sum = 0;                                                           \
    size_t i;                                                                   \
    for (i = 0; i < n; i++) {                                                   \
      uint##bits##_t value;                                                     \
      if (nosigbus_safe_load##bits(from + i, &value) != 0) break;               \
      sum += value;                                                             \
    }                                                                           \
    return sum;                                                                 \
  }                                                                             \
  uint64_t plain_load##bits(const volatile uint##bits##_t* from, size_t n) {    \
    uint64_t sum = 0;                                                           \
    size_t i;                                                                   \
    for (i = 0; i < n; i++) sum += from[i];                                     \
    return sum;                                                                 \
  }                                                                             \
  int guarded_store##bits(uint##bits##_t* to, size_t n) {                       \
    size_t i;                                                                   \
    for (i = 0; i < n; i++) {                                                   \
      if (nosigbus_safe_store##bits(to + i, (uint##bits##_t)n) != 0) return -1; \
    }                                                                           \
    return 0;                                                                   \
  }                                                                             \
  int plain_store##bits(volatile uint##bits##_t* to, size_t n) {                \
    size_t i;                                                                   \
    for (i = 0; i < n; i++) to[i] = (uint##bits##_t)n;                          \
    return 0;                                                                   \
  }

LOOPS(8)
LOOPS(16)
LOOPS(32)
LOOPS(64)
