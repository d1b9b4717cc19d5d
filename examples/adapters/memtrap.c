/* SPDX-License-Identifier: MIT */
#include "memtrap.h"

#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

struct pa_memtrap {
  const void* start;
  size_t size;
  struct nosigbus_region* region; /* NULL: there is nothing to trap */
  uint64_t begun;
};

void pa_memtrap_install(void) { nosigbus_install(0); }

/* The bracket that begins here ends at each question. */
static void begin(pa_memtrap* m, const void* start, size_t size) {
  const size_t before = (uintptr_t)start & ((size_t)sysconf(_SC_PAGESIZE) - 1);
  m->start = start;
  m->size = size;
  m->region = NULL;
  if (start == NULL || size == 0 || size > SIZE_MAX - before) return;
  if (nosigbus_adopt(&m->region, (char*)(uintptr_t)start - before, before + size, -1,
                     NOSIGBUS_DISCARD_WRITES | NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON) != 0) {
    return;
  }
  m->begun = nosigbus_region_begin(m->region);
}

pa_memtrap* pa_memtrap_add(const void* start, size_t size) {
  pa_memtrap* m = calloc(1, sizeof *m);
  if (m == NULL) return NULL;
  begin(m, start, size);
  if (m->region != NULL) return m;
  free(m);
  return NULL;
}

pa_memtrap* pa_memtrap_update(pa_memtrap* m, const void* start, size_t size) {
  if (m == NULL || (m->start == start && m->size == size)) return m;
  if (m->region != NULL) nosigbus_region_release(m->region);
  begin(m, start, size);
  return m;
}

void pa_memtrap_remove(pa_memtrap* m) {
  if (m != NULL && m->region != NULL) nosigbus_region_release(m->region);
  free(m);
}

bool pa_memtrap_is_good(pa_memtrap* m) {
  return m != NULL && m->region != NULL && nosigbus_region_end(m->region, m->begun) == 0;
}
