/* SPDX-License-Identifier: MIT
 *
 * Of PulseAudio, what the diffs of docs/migrating-servers.md use.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pa_memtrap;
struct nosigbus_region;

typedef struct pa_shm {
  void* ptr;
  size_t size;
} pa_shm;

typedef struct pa_memimport_segment {
  pa_shm memory;
  struct pa_memtrap* trap;
  struct nosigbus_region* region;
  uint64_t begun;
} pa_memimport_segment;

int pa_shm_attach(pa_shm* m, int memfd_fd, bool writable);
void pa_shm_free(pa_shm* m);
