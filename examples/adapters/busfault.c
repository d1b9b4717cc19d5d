/* SPDX-License-Identifier: MIT */
#include "busfault.h"

#include <nosigbus/events.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct busfault {
  struct nosigbus_region* region;
  busfault_notify_ptr notify;
  void* context;
};

/* Whose pointer a region has: ours. */
static const char g_tag;

int busfault_init(void) { return nosigbus_install(0) == 0 && nosigbus_event_fd() >= 0; }

/* The pages that the bytes are on. The original absorbs whatever happens there, writes included. */
static int guard_pages(struct nosigbus_region** out, void* addr, size_t size) {
  const size_t before = (uintptr_t)addr & ((size_t)sysconf(_SC_PAGESIZE) - 1);
  if (addr == NULL || size == 0 || size > SIZE_MAX - before) return 0;
  return nosigbus_adopt(out, (char*)addr - before, before + size, -1,
                        NOSIGBUS_DISCARD_WRITES | NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON) == 0;
}

struct busfault* busfault_register_mmap(void* addr, size_t size, busfault_notify_ptr notify, void* context) {
  struct busfault* busfault = calloc(1, sizeof *busfault);
  if (busfault == NULL) return NULL;
  busfault->notify = notify;
  busfault->context = context;
  if (!guard_pages(&busfault->region, addr, size)) {
    free(busfault);
    return NULL;
  }
  nosigbus_region_set_user_data(busfault->region, &g_tag, busfault);
  return busfault;
}

/* What is left of the file goes, too: without a region, the client could cut that off next. */
static int detach_from_file(struct nosigbus_region* region) {
  struct nosigbus_region_status status;
  if (nosigbus_region_status(region, &status, sizeof status) != 0 || status.faults == 0) return 1;
  return mmap(nosigbus_region_data(region), nosigbus_region_size(region), PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

void busfault_unregister(struct busfault* busfault) {
  nosigbus_region_set_user_data(busfault->region, &g_tag, NULL);
  /* A region that could not be detached is not released: it protects for as long as the process lives. */
  if (detach_from_file(busfault->region)) nosigbus_region_release(busfault->region);
  free(busfault);
}

static int tell(const struct nosigbus_event* event, void* user) {
  const struct busfault* const busfault = nosigbus_region_user_data(event->region, &g_tag);
  (void)user;
  if (busfault != NULL && (event->what & NOSIGBUS_EVENT_FAULT) != 0) busfault->notify(busfault->context);
  return 0;
}

void busfault_check(void) { nosigbus_dispatch(tell, NULL); }
