/* SPDX-License-Identifier: MIT
 *
 * A DSO with a copy of the library of its own. */
#include <nosigbus/copy.h>
#include <nosigbus/runtime.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int copy_install(void) { return nosigbus_install(0); }
EXPORT int copy_uninstall(void) { return nosigbus_uninstall(); }
EXPORT int copy_load(const unsigned char* address) {
  unsigned char out;
  return nosigbus_safe_load8(address, &out);
}
EXPORT size_t copy_read(const unsigned char* address, size_t n) {
  unsigned char out[64];
  return nosigbus_safe_read(out, address, n);
}
