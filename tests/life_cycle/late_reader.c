/* SPDX-License-Identifier: MIT */
#include "late_reader.h"

void (*NOSIGBUS_LATE_READER)(void);

__attribute__((destructor)) static void read_late(void) {
  if (NOSIGBUS_LATE_READER != 0) NOSIGBUS_LATE_READER();
}
