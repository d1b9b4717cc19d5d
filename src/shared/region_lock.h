// SPDX-License-Identifier: MIT
//
// Holding a region's lock, with all signals blocked, as everybody does who changes its overlays or reads of
// them. Who blocked them says so with the object that did.
#pragma once

#include <src/shared/region.h>

namespace nosigbus {

class region_lock {
 public:
  region_lock(region_descriptor& region, const scoped_signal_block&)
      : region_(region), lock_(region.sync->lock) {
    mend();
  }
  region_lock(const region_lock&) = delete;
  region_lock& operator=(const region_lock&) = delete;

  // Between these two, mappings and books may differ. intended: what is about to be overlaid, if anything.
  void begin_change(interval intended) {
    region_.intended = intended;
    region_.overlays_before = region_.overlays;
    // A fork sees memory as this thread has left it so far: what the note is about stands before the note,
    // and the note before anything is done.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    region_.changing = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  void end_change() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    region_.changing = false;
  }

 private:
  // fork clears the lock that another thread held, but what that thread was about is half done in the
  // child, its books half written. All that was overlaid or was to be is taken for overlaid, which costs a
  // needless report and refresh, no more. It is announced anew: the census may or may not know of it, and now
  // counts one region too many rather than one too few.
  void mend() {
    if (!region_.changing) return;
    region_.overlays = region_.overlays_before;
    if (region_.intended.begin < region_.intended.end) enter_in_books(region_, region_.intended);
    const bool overlaid = !region_.overlays.empty();
    const bool odd = (region_.generation.load(std::memory_order_relaxed) & 1) != 0;
    region_.changed_at.store(overlaid ? g_overlay_census.begins() : g_overlay_census.changes(),
                             std::memory_order_release);
    region_.generation.fetch_add(odd == overlaid ? 2 : 1, std::memory_order_acq_rel);
    region_.changing = false;
  }

  region_descriptor& region_;
  scoped_lock lock_;
};

}  // namespace nosigbus
