/* SPDX-License-Identifier: MIT */
#include "guarded.h"

#include <errno.h>
#include <nosigbus/guard.h>
#include <stdint.h>

struct addition {
  const volatile unsigned char* bytes;
  size_t size;
  long total;
};

static int add_up(void* argument) {
  struct addition* const work = argument;
  for (size_t i = 0; i < work->size; ++i) work->total += work->bytes[i];
  return 0;
}

long guarded_sum(const void* bytes, size_t size, size_t* bad) {
  struct addition work = {bytes, size, 0};
  struct nosigbus_fault fault;
  *bad = size;
  if (size == 0) return 0;
  if (nosigbus_guard(add_up, &work, bytes, size, &fault) == 0) return work.total;
  *bad = fault.address - (uintptr_t)bytes;
  return -EFAULT;
}
