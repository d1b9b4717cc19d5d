// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <src/inside/place.h>
#include <src/inside/way_back.h>
#include <src/shared/counters.h>
#include <src/shared/event_queue.h>
#include <src/shared/region_lock.h>
#include <src/shared/region_pool.h>
#include <src/shared/registry.h>

namespace nosigbus {

namespace {

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
  place.ask_descriptor = plan.ask_descriptor;
  place.overlays_traceable = plan.overlays_traceable;
  place.device = plan.device;
  place.inode = plan.inode;
  place.companion = plan.companion;
  place.fd_device = plan.fd_device;
  place.fd_inode = plan.fd_inode;
  place.fd_remaps = plan.fd_remaps && place.fd >= 0;
  place.overlays.clear();
  place.first_bad_offset = UINT64_MAX;
  place.shadow = 0;
  place.isolated = 0;
  place.pieces = 0;
  place.ever_overlaid = {};
  place.untraceable = false;
  place.changing = false;
  place.faults.store(0, std::memory_order_relaxed);
  place.reported = 0;
  place.news = 0;
}

// Of a place that no handler finds any more, and that all who did have left.
void close_books(region_descriptor& place) {
  drop_shadow(place);
  // Nobody else looks at them any more. The lock mends what a fork has torn.
  if (place.overlays.empty() && !place.changing) return;
  const scoped_signal_block no_signals;
  const region_lock lock(place, no_signals);
  if (!place.overlays.empty()) overlay_ends(place);
  place.overlays.clear();
}

}  // namespace

int show_place(region_descriptor** out, const blueprint& plan, region_descriptor* handle) {
  region_descriptor* const place = region_pool::take();
  if (place == nullptr) return -ENOMEM;
  const bool first = handle == nullptr;
  place->handle = first ? place : handle;
  place->older = first ? nullptr : newest_place(*handle);
  place->newest.store(place, std::memory_order_relaxed);
  place->fd = plan.fd;
  describe(*place, plan);

  if (first) counters::add(g_counters.regions);
  if (const int error = registry::add(*place, place->base, place->base + place->mapped, plan.owned)) {
    // Part of it was visible until add found what it overlaps, and handlers may be at work in it, or have put
    // an overlay there and queued it.
    place->sync->visitors.wait_until_none();
    close_books(*place);
    if (first) counters::subtract(g_counters.regions);
    if (leaves_queue(*place)) region_pool::give(*place);
    return error;
  }
  if ((plan.flags & NOSIGBUS_CLIP) != 0) g_overlay_census.begins();
  place->live.store(first, std::memory_order_seq_cst);
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

void end_region(region_descriptor& handle) {
  for (region_descriptor* place = newest_place(handle); place != nullptr; place = place->older) {
    end_place(*place);
  }
  // Once dispatch may give the handle's descriptor back, it is not to be read any more.
  region_descriptor* place = newest_place(handle);
  if (leaves_queue(handle)) region_pool::give(handle);
  while (place != &handle) {
    region_descriptor* const older = place->older;
    region_pool::give(*place);
    place = older;
  }
  counters::subtract(g_counters.regions);
}

}  // namespace nosigbus
