// SPDX-License-Identifier: MIT
//
// The descriptor of a region, and the words that describe overlays to readers without a lock.
//
// Descriptors are type-stable: once made, their memory stays a descriptor for ever and is reused for
// later regions. So a signal handler may look at one that was released an instant ago; it finds out by
// entering `visitors` and looking the address up again.
#pragma once

#include <nosigbus/region.h>
#include <src/shared/interval_set.h>
#include <src/shared/routines.h>
#include <src/shared/sync.h>
#include <stddef.h>
#include <stdint.h>

#include <atomic>

namespace nosigbus {

// VMAs inside a region <= 2 * overlays + 1 = 7.
inline constexpr unsigned max_overlays = 3;

struct call_chain;

// In memory that fork clears in the child.
struct region_sync {
  // Signal handlers at work in the region. Entered by them; waited for by release.
  visitor_count visitors;
  // Held by whoever changes overlays: the handler's repair, refresh; and by status and resize to read what
  // these write.
  futex_lock lock;
  // Of a handle: held by resize, from beginning to end. Taken before `lock`, never by handlers.
  futex_lock resizing;

  // Of a handle, for events (event_queue.h).
  // 0: not queued, its descriptor belongs to the region. Set to in_queue by whoever queues it; to 0 by
  // dispatch, which takes it out; to abandoned by release, which leaves it to dispatch to give the descriptor
  // back.
  std::atomic<uint32_t> queued;
  static constexpr uint32_t in_queue = 1, abandoned = 2;
  std::atomic<nosigbus_region*> next_queued;
  // What the handler collected for the next event, null for none (call_chain.h).
  std::atomic<call_chain*> chain;
  int watch;  // inotify's name for the file; 0: not watched. Under the queue's lock
};

}  // namespace nosigbus

struct nosigbus_region {
  // --- nosigbus_region_head: what code outside of the library reads.
  // Of a handle: where the region is now (release/acquire). Written by resize, under sync->resizing.
  std::atomic<nosigbus_region*> newest;
  // Written under sync->lock, read by anybody without it (release/acquire). Odd: overlaid. Never
  // reset when the descriptor is reused, so that one value never describes two states.
  std::atomic<uint64_t> generation;

  // --- Set by map, adopt or resize before it is visible, constant until the region's release. The registry's
  //     release store publishes them, its acquire load in whoever finds the region receives them.
  // A region that resize has moved has a descriptor for each place where it is or was. Its user knows it by
  // the first.
  nosigbus_region* handle;  // the first; itself, if it is
  nosigbus_region* older;   // the place before; null for the first
  uintptr_t base;           // page-aligned
  size_t granule;           // page size, of huge pages their own
  off_t offset;             // file offset of base; unknown_offset where it is not known
  int fd;                   // duplicate of the file, -1 without; belongs to the handle. See descriptor_of
  uint64_t fd_device, fd_inode;
  int prot;        // protection at map time; of an adopted mapping, as it was then
  unsigned flags;  // NOSIGBUS_* of region.h
  bool owned;      // mapped by nosigbus_map: release unmaps it
  bool has_holes;  // adopted with anonymous memory in it: overlays of an earlier region, say
  bool begins_with_hole;
  bool shared;              // MAP_SHARED
  bool overlays_traceable;  // are to be told from whatever else may come to lie there
  uint64_t device, inode;   // of the file, as mapping_info names it; 0 where nobody asked

  // --- Written under sync->lock, read by anybody. Memory is there before it is counted, and counted before
  //     the registry leads there.
  std::atomic<size_t> size;    // as asked
  std::atomic<size_t> mapped;  // rounded up to the granule

  // --- Written by resize alone, under sync->resizing.
  size_t reserved;  // bytes behind `mapped` that are kept free for it to grow into

  // --- Of a handle, for events; under the queue's lock. What was told, what there is to tell
  //     (NOSIGBUS_EVENT_*), and the list of those that have the same file, while sync->watch is set.
  uint64_t reported;  // faults
  uint64_t watched_size;
  nosigbus_region *next_watched, *previous_watched;
  unsigned news;

  // --- Of a handle: whether it is one. Written by map, adopt and release (seq_cst, event_queue.h).
  std::atomic<bool> live;

  // --- Written under sync->lock, read under it.
  nosigbus::interval_set<nosigbus::max_overlays> overlays;  // offsets from base; grade: nosigbus_cause
  unsigned isolated;  // overlays that touched no other when they were made: each can stay a VMA
  unsigned pieces;    // traceable overlays that can be written: the kernel does not join them
  // Whatever mprotect(2) makes of the region. ask_descriptor: not so if it cannot make anything writable of
  // it, which the descriptor tells before the first overlay.
  bool overlays_stay_unwritable, ask_descriptor;
  bool fd_remaps;             // the fd may be mapped again with prot: the way back where there is no shadow
  bool untraceable;           // some overlay could not be made traceable, for want of a descriptor
  bool changing;              // a change is under way: found by whoever has the lock, it was torn by a fork
                              // (region_lock.h)
  uint64_t first_bad_offset;  // UINT64_MAX without overlays
  uintptr_t shadow;           // a second mapping of the file, the way back to it; 0 without
  size_t shadow_length;
  // All that was ever overlaid, healed or not, with the gravest cause.
  nosigbus::interval ever_overlaid;
  nosigbus::interval intended;  // by the change: what is about to be overlaid; empty when something is healed
  nosigbus::interval_set<nosigbus::max_overlays> overlays_before;  // as it began

  // --- overlay_census::changes() at the last change. Written with generation; release/acquire.
  std::atomic<uint32_t> changed_at;
  // Written by handlers (relaxed), read by status. No partner: it counts.
  std::atomic<uint64_t> faults;

  // Of a handle: what the program left with it, and whose it is; null without. Written by the program and by
  // release (release), read by the program (acquire), also after the region's release.
  std::atomic<const void*> user_tag;
  std::atomic<void*> user_data;

  // What the drop-in knows of the region besides; null of all others. Written before the region is visible.
  void* companion;

  // Constant for ever.
  nosigbus::region_sync* sync;
  uint32_t index;
  // Next free descriptor's index + 1; owned by the pool while the descriptor is free.
  std::atomic<uint32_t> next_free;
};

static_assert(offsetof(nosigbus_region, newest) == offsetof(nosigbus_region_head, newest));
static_assert(offsetof(nosigbus_region, generation) == offsetof(nosigbus_region_head, generation));
static_assert(sizeof(nosigbus_region_head) == sizeof(std::atomic<void*>) + sizeof(std::atomic<uint64_t>));

namespace nosigbus {

using region_descriptor = ::nosigbus_region;
inline constexpr off_t unknown_offset = -1;

inline region_descriptor* newest_place(const region_descriptor& handle) {
  return handle.newest.load(std::memory_order_acquire);
}

// The generation of all places together is the sum of these, and odd while one of them is overlaid: it never
// comes back to what it was before one was.
inline uint64_t rounded(uint64_t generation) { return generation + (generation & 1); }

// With the region's lock held: `part` is overlaid now.
inline void enter_in_books(region_descriptor& region, interval part) {
  if (!region.overlays.touches(part)) ++region.isolated;
  region.overlays.add(part);
  interval& ever = region.ever_overlaid;
  if (ever.begin == ever.end) ever = part;
  if (part.begin < ever.begin) ever.begin = part.begin;
  if (part.end > ever.end) ever.end = part.end;
  if (part.grade > ever.grade) ever.grade = part.grade;
}

// Why the region is overlaid: the gravest of its overlays' causes, as the enumeration orders them.
inline nosigbus_cause gravest_cause(const region_descriptor& region) {
  unsigned grade = NOSIGBUS_NONE;
  for (unsigned i = 0; i < region.overlays.size(); ++i) {
    if (region.overlays[i].grade > grade) grade = region.overlays[i].grade;
  }
  return static_cast<nosigbus_cause>(grade);
}

// Are zeros supplied anywhere? Read by guarded operations before and after they copy.
// Low half: regions that are overlaid now, plus regions with NOSIGBUS_CLIP. High half: changes so far.
// Written by whoever makes or takes back an overlay: the count goes up before the first zero can be
// read, and down after the last (release). A reader that sees 0 low and the same value twice has read
// no zero that an overlay supplied (acquire, both times).
class overlay_census {
 public:
  static constexpr uint64_t live_mask = 0xffffffff;
  static constexpr uint64_t change = uint64_t{1} << 32;

  uint64_t read() const { return value_.load(std::memory_order_acquire); }
  static bool none(uint64_t before, uint64_t after) { return before == after && (before & live_mask) == 0; }

  static uint32_t changes(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

  // Each returns the number of changes, this one included.
  uint32_t begins() { return add(change + 1); }
  uint32_t changes() { return add(change); }
  uint32_t ends() { return add(change - 1); }

 private:
  uint32_t add(uint64_t amount) {
    return changes(value_.fetch_add(amount, std::memory_order_acq_rel) + amount);
  }

  std::atomic<uint64_t> value_;
};

// Assembly routines read it under this name.
extern constinit overlay_census g_overlay_census __asm__("nosigbus_overlay_census");

// With the region's lock held: the region is about to be overlaid for the first time (begins), before the
// first zero can be read; is about to be overlaid further, or has been healed of a part (changes); has been
// healed of its last overlay (ends).
inline void overlay_begins(region_descriptor& region) {
  region.changed_at.store(g_overlay_census.begins(), std::memory_order_release);
  region.generation.fetch_add(1, std::memory_order_acq_rel);
}
inline void overlay_changes(region_descriptor& region) {
  region.changed_at.store(g_overlay_census.changes(), std::memory_order_release);
  region.generation.fetch_add(2, std::memory_order_acq_rel);
}
inline void overlay_ends(region_descriptor& region) {
  region.changed_at.store(g_overlay_census.ends(), std::memory_order_release);
  region.generation.fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace nosigbus
