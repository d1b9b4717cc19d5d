/* SPDX-License-Identifier: MIT
 *
 * A DSO that uses inline operations and nothing else of the library. */
#include <nosigbus/inline.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int plugin_load(const unsigned char* address, unsigned char* out) {
  return nosigbus_safe_load8(address, out);
}

/* Its rows, which it registers by itself. */
EXPORT const struct nosigbus_extable_row* plugin_rows(void) { return __start_nosigbus_extable; }
