/* SPDX-License-Identifier: MIT
 *
 * One inline operation, in a form that all have. */
#ifndef OPERATION_H
#define OPERATION_H

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum effect { does_load, does_store, does_exchange, does_add, does_compare };

struct operation {
  const char* name;
  /* address: of `size` bytes. value: what is stored, added or swapped in. *out: what was there, or `value`
   * where the operation brings nothing. 0, -EFAULT, or 1: a wrong answer. */
  int (*run)(volatile void* address, uint64_t value, uint64_t* out);
  unsigned size;
  enum effect effect;
  int atomic; /* address is aligned to size */
};

/* Each ends with a row whose name is NULL. */
extern const struct operation operations_in_c[];
extern const struct operation operations_in_cpp[];
extern const struct operation operations_by_call[];

/* What stands at an address before an operation: different in each byte. */
static inline uint64_t pattern_at(const volatile void* address, unsigned size) {
  uint64_t value = 0;
  unsigned i;
  for (i = 0; i < size; i++) {
    value |= (uint64_t)(uint8_t)(((uintptr_t)address + i) * 7 + 1) << 8 * i;
  }
  return value;
}

#ifdef __cplusplus
}
#endif

#endif
