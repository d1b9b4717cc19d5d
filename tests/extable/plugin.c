/* SPDX-License-Identifier: MIT
 *
 * A DSO with a guarded instruction of its own. */
#include <load_byte.h>
#include <nosigbus/extable.h>

extern const struct nosigbus_extable_row __start_nosigbus_extable[] __attribute__((visibility("hidden")));
extern const struct nosigbus_extable_row __stop_nosigbus_extable[] __attribute__((visibility("hidden")));

__attribute__((constructor)) static void begin(void) {
  nosigbus_extable_register(__start_nosigbus_extable, __stop_nosigbus_extable);
}
__attribute__((destructor)) static void end(void) { nosigbus_extable_unregister(__start_nosigbus_extable); }

/* For tests that take the rows back by hand. */
__attribute__((visibility("default"))) const struct nosigbus_extable_row* plugin_rows(void) {
  return __start_nosigbus_extable;
}

/* *address, or -1 where it cannot be read. */
__attribute__((visibility("default"))) int plugin_load(const unsigned char* address) {
  int value = -1;
  __asm__ volatile("1: " LOAD_BYTE "\n\t2:\n\t" NOSIGBUS_EXTABLE_ROW("1b", "2b", "1")
                   : "+r"(value)
                   : "r"(address));
  return value;
}
