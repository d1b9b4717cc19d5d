// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <src/outside/events.h>
#include <src/outside/place.h>
#include <src/outside/runtime.h>
#include <src/outside/unwritable_zeros.h>
#include <src/shared/counters.h>
#include <src/shared/region_lock.h>
#include <src/shared/region_pool.h>
#include <src/shared/registry.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
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
  close(kept);
  return -1;
}

void describe(region_descriptor& place, const blueprint& plan) {
  place.base = plan.base;
  place.size.store(plan.size, std::memory_order_relaxed);
  place.mapped.store(plan.mapped, std::memory_order_relaxed);
  place.reserved = plan.reserved;
  place.granule = plan.granule;
  place.offset = plan.offset;
  place.prot = plan.prot;
  place.flags = plan.flags;
  place.owned = plan.owned;
  place.has_holes = plan.has_holes;
  place.begins_with_hole = plan.begins_with_hole;
  place.shared = plan.shared;
  place.overlays_stay_unwritable =
      plan.overlays_stay_unwritable && (plan.flags & NOSIGBUS_DISCARD_WRITES) == 0;
  place.overlays_traceable = plan.overlays_traceable;
  place.device = plan.device;
  place.inode = plan.inode;
  place.companion = plan.companion;
  place.fd_remaps = plan.fd_remaps && place.fd >= 0;
  place.overlays.clear();
  place.first_bad_offset = UINT64_MAX;
  place.shadow = 0;
  place.isolated = 0;
  place.ever_overlaid = {};
  place.changing = false;
  place.faults.store(0, std::memory_order_relaxed);
  place.reported = 0;
  place.news = 0;
}

// What handlers need before they can find the place.
int prepare_handlers(const blueprint& plan) {
  watch_reads();
  const bool discards = (plan.flags & NOSIGBUS_DISCARD_WRITES) != 0;
  if (plan.overlays_stay_unwritable && !discards) make_unwritable_zeros();
  const bool writable = (plan.prot & PROT_WRITE) != 0 && !discards;
  return writable ? runtime::watch_writes_to_overlays() : 0;
}

// Of a place that no handler finds any more, and that all who did have left.
void close_books(region_descriptor& place) {
  if (place.shadow != 0) sys::munmap(place.shadow, place.shadow_length);
  // Nobody else looks at them any more. The lock mends what a fork has torn.
  if (place.overlays.empty() && !place.changing) return;
  const scoped_signal_block no_signals;
  const region_lock lock(place, no_signals);
  if (!place.overlays.empty()) overlay_ends(place);
  place.overlays.clear();
}

}  // namespace

int begin_place(region_descriptor** out, const blueprint& plan, region_descriptor* handle) {
  // Counted first: from now on nobody uninstalls the handler.
  counters::add(g_counters.regions);
  int error = prepare_handlers(plan);
  if (error == 0) error = show_place(out, plan, handle);
  counters::subtract(g_counters.regions);
  return error;
}

int show_place(region_descriptor** out, const blueprint& plan, region_descriptor* handle) {
  region_descriptor* const place = region_pool::take();
  if (place == nullptr) return -ENOMEM;
  const bool first = handle == nullptr;
  place->handle = first ? place : handle;
  place->older = first ? nullptr : newest_place(*handle);
  place->newest.store(place, std::memory_order_relaxed);
  place->fd = first ? keep_descriptor(plan.fd, (plan.flags & NOSIGBUS_CLIP) != 0) : plan.fd;
  describe(*place, plan);

  if (first) counters::add(g_counters.regions);
  int error = plan.fd >= 0 && place->fd < 0 && (plan.flags & NOSIGBUS_CLIP) != 0 ? -EMFILE : 0;
  if (error == 0) error = registry::add(*place, place->base, place->base + place->mapped, plan.owned);
  if (error != 0) {
    // Part of it was visible until add found what it overlaps, and handlers may be at work in it, or have put
    // an overlay there and queued it.
    place->sync->visitors.wait_until_none();
    close_books(*place);
    if (first) counters::subtract(g_counters.regions);
    if (first && place->fd >= 0) close(place->fd);
    if (events::leaves_queue(*place)) region_pool::give(*place);
    return error;
  }
  if ((plan.flags & NOSIGBUS_CLIP) != 0) g_overlay_census.begins();
  place->live.store(first, std::memory_order_seq_cst);
  if (first) events::region_begins(*place);
  *out = place;
  return 0;
}

void end_place(region_descriptor& place) {
  registry::remove(place, place.base, place.base + place.mapped);
  place.sync->visitors.wait_until_none();
  if (place.owned) sys::munmap(place.base, place.mapped + place.reserved);
  close_books(place);
  if ((place.flags & NOSIGBUS_CLIP) != 0) g_overlay_census.ends();
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
