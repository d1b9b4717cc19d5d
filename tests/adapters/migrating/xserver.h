/* SPDX-License-Identifier: MIT
 *
 * Of the X server, what the diffs of docs/migrating-servers.md use.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

struct busfault;
struct nosigbus_region;

enum { Success, BadAlloc = 11, BadAccess = 10, RT_NONE = 0, X_NOTIFY_READ = 1 };

typedef struct ShmDesc {
  struct ShmDesc* next;
  char* addr;
  size_t size;
  unsigned resource;
  struct busfault* busfault;
  struct nosigbus_region* region;
} * ShmDescPtr;

extern ShmDescPtr Shmsegs;
void FreeResource(unsigned id, unsigned type);
int SetNotifyFd(int fd, void (*notify)(int fd, int ready, void* data), int mask, void* data);
