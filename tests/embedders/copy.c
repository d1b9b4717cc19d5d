/* SPDX-License-Identifier: MIT
 *
 * A library with a copy of nosigbus of its own, and a region.
 */
#include <nosigbus/copy.h>
#include <nosigbus/guard.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int copy_install(void) { return nosigbus_install(0); }
EXPORT int copy_check(void) { return nosigbus_check(); }
EXPORT int copy_rearm(void) { return nosigbus_rearm(); }

/* NULL: no region. */
EXPORT const volatile unsigned char* copy_map(int fd, size_t length) {
  struct nosigbus_region* region = NULL;
  return nosigbus_map(&region, fd, 0, length, PROT_READ, 0) == 0 ? nosigbus_region_data(region) : NULL;
}

EXPORT size_t copy_read(void* dst, const void* src, size_t n) { return nosigbus_safe_read(dst, src, n); }

EXPORT int copy_guard(int (*fn)(void*), void* argument, const void* base, size_t length,
                      struct nosigbus_fault* out) {
  return nosigbus_guard(fn, argument, base, length, out);
}
