/* SPDX-License-Identifier: MIT
 *
 * A DSO with a copy of the library of its own. */
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int copy_install(void) { return nosigbus_install(0); }
EXPORT int copy_uninstall(void) { return nosigbus_uninstall(); }
EXPORT int copy_load(const unsigned char* address) {
  unsigned char out;
  return nosigbus_safe_load8(address, &out);
}
/* A region of the file that is cut off: what its byte reads as, or less than 0. */
EXPORT int copy_region(int fd, size_t length, size_t offset) {
  struct nosigbus_region* region;
  const int error = nosigbus_map(&region, fd, 0, length, PROT_READ, 0);
  if (error != 0) return error;
  const int byte = ((const volatile unsigned char*)nosigbus_region_data(region))[offset];
  const int released = nosigbus_region_release(region);
  return released != 0 ? released : byte;
}
EXPORT size_t copy_read(const unsigned char* address, size_t n) {
  unsigned char out[64];
  return nosigbus_safe_read(out, address, n);
}
