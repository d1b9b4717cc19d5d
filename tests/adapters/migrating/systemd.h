/* SPDX-License-Identifier: MIT
 *
 * Of systemd, what the diffs of docs/migrating.md use.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct nosigbus_region;

typedef struct MMapFileDescriptor {
  int fd;
  int prot;
  bool sigbus;
} MMapFileDescriptor;

typedef struct Window {
  struct Window* next;
  MMapFileDescriptor* fd;
  void* ptr;
  size_t size;
  struct nosigbus_region* region;
} Window;

extern Window* all_windows;
Window* window_of_address(const void* address);
