// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <src/outside/events.h>
#include <src/outside/place.h>
#include <src/outside/runtime.h>
#include <src/outside/unwritable_zeros.h>
#include <src/shared/counters.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

namespace nosigbus {

namespace {

// A duplicate that tells the file's size, and is a way back to it: a convenience, for which half of the
// descriptors that the program may have are left alone. needed: or any.
int keep_descriptor(int fd, bool needed) {
  if (fd < 0) return -1;
  const int kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  constexpr int few = 64;
  struct rlimit limit;
  if (kept < few || needed || getrlimit(RLIMIT_NOFILE, &limit) != 0) return kept;
  if (static_cast<rlim_t>(kept) < limit.rlim_cur / 2) return kept;
  sys::close(kept);
  return -1;
}

// What handlers need before they can find the place.
int prepare_handlers(const blueprint& plan) {
  watch_reads();
  const bool discards = (plan.flags & NOSIGBUS_DISCARD_WRITES) != 0;
  if (plan.overlays_stay_unwritable && !discards) make_unwritable_zeros();
  const bool writable = (plan.prot & PROT_WRITE) != 0 && !discards;
  return writable ? runtime::watch_writes_to_overlays() : 0;
}

}  // namespace

int begin_place(region_descriptor** out, const blueprint& plan, region_descriptor* handle) {
  // Counted first: from now on nobody uninstalls the handler.
  counters::add(g_counters.regions);
  blueprint kept = plan;
  const bool first = handle == nullptr, clips = (plan.flags & NOSIGBUS_CLIP) != 0;
  if (first) kept.fd = keep_descriptor(plan.fd, clips);
  if (first && kept.fd < 0 && plan.ask_descriptor) {
    kept.ask_descriptor = false;
    kept.overlays_stay_unwritable = sys::opened_for_writing(plan.fd);
  }
  int error = plan.fd >= 0 && kept.fd < 0 && clips ? -EMFILE : prepare_handlers(plan);
  if (error == 0) error = show_place(out, kept, handle);
  if (error != 0 && first && kept.fd >= 0) sys::close(kept.fd);
  if (error == 0 && first) events::region_begins(**out);
  counters::subtract(g_counters.regions);
  return error;
}

bool usable(const region_descriptor* handle) {
  if (handle == nullptr) return false;
  const bool live = handle->live.load(std::memory_order_acquire);
#ifdef NOSIGBUS_CHECKS
  if (!live) {
    fprintf(stderr, "nosigbus: a region is used after its release (%p)\n", static_cast<const void*>(handle));
    abort();
  }
#endif
  return live;
}

}  // namespace nosigbus
