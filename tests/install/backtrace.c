/* SPDX-License-Identifier: MIT
 *
 * A C program that uses an installed nosigbus-backtrace: who read what was missing? Prints the event; exit
 * status 0 when its chain leads to main.
 */
#define _POSIX_C_SOURCE 200809L

#include <nosigbus/backtrace.h>
#include <nosigbus/events.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int is_main(const struct nosigbus_frame* frame, void* found) {
  if (frame->function != NULL && strcmp(frame->function, "main") == 0) *(int*)found = 1;
  return 0;
}

static int on_event(const struct nosigbus_event* event, void* found) {
  if (nosigbus_event_print(event, STDOUT_FILENO) != 0) return 1;
  return nosigbus_backtrace_describe(event->chain, event->chain_length, is_main, found) < 0;
}

int main(void) {
  FILE* file = tmpfile();
  struct nosigbus_region* region;
  int found = 0;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (file == NULL || nosigbus_install(0) != 0 || nosigbus_event_fd() < 0) return 2;
  if (nosigbus_backtrace_enable() != 0) return 3;
  if (nosigbus_map(&region, fileno(file), 0, page, PROT_READ, 0) != 0) return 4;
  if (*(const volatile char*)nosigbus_region_data(region) != 0) return 5;
  if (nosigbus_dispatch(on_event, &found) != 1) return 6;
  return found ? 0 : 1;
}
