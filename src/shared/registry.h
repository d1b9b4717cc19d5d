// SPDX-License-Identifier: MIT
//
// Which region is an address in? A radix tree over addresses, built like a page table: eight levels of
// 64 slots, 4 KiB granularity, 60 bits of address.
//
// A slot has an owner (the region that covers the whole of what the slot stands for) and a child node
// (for regions that cover part of it); lookups take the first owner on the way down. A region is written
// into few slots: the large aligned pieces in its middle high up, its edges below.
//
// Lookup is wait-free: nodes are never freed, so it is eight loads and no retry, wherever a signal
// interrupts whomever. Adding and removing are lock-free and safe in a signal handler too: a slot is
// claimed by compare-and-swap, an overlap is found by the claim that fails, and is rolled back.
#pragma once

#include <src/shared/region.h>

namespace nosigbus::registry {

inline constexpr unsigned levels = 8;
inline constexpr unsigned slot_bits = 6;
inline constexpr unsigned slots = 1u << slot_bits;
inline constexpr unsigned leaf_shift = 12;
inline constexpr uintptr_t leaf_size = uintptr_t{1} << leaf_shift;
inline constexpr unsigned root_shift = leaf_shift + slot_bits * (levels - 1);
inline constexpr unsigned address_bits = root_shift + slot_bits;

struct node;

struct slot {
  // Claimed and given up by add/remove, read by find. visitor_count needs the order "give up, then look for
  // visitors" (a fence in remove) against "enter, then look here": sequentially consistent.
  std::atomic<region_descriptor*> owner;
  // Set once (release), then constant: find receives the zeroed node behind it (acquire).
  std::atomic<node*> child;
};

struct node {
  slot items[slots];
};

extern constinit node g_root;

inline unsigned slot_index(uintptr_t address, unsigned shift) {
  return static_cast<unsigned>(address >> shift) & (slots - 1);
}

// The region at this address, or null. It may be released at any moment: see visited_region.
region_descriptor* find(uintptr_t address);

// The first address in [begin, end) that belongs to a region, `end` if none. Wait-free as find.
uintptr_t find_first(uintptr_t begin, uintptr_t end);

// Makes a region visible in [begin, end), where it may be visible in part already. fresh: the range has just
// been mapped, so that only a region whose memory was unmapped behind our back could overlap it. 0, -EEXIST
// (part of it belongs to another region), -ENOMEM, -EINVAL (address beyond 60 bits). On error it is invisible
// in what it was to be added to, but handlers may have found it there meanwhile; another thread that adds an
// overlapping region at that moment may fail as well.
int add(region_descriptor& region, uintptr_t begin, uintptr_t end, bool fresh);

// Makes a region that is visible in [begin, end_before) invisible from `end` on. 0, or -ENOMEM: nothing has
// changed. (Slots that stand for more than what is left are given up, and others taken below them first.)
int shorten(region_descriptor& region, uintptr_t begin, uintptr_t end, uintptr_t end_before);

// Makes it invisible in [begin, end), which is all of it from `begin` on, or nothing in front of it shares a
// slot.
void remove(region_descriptor& region, uintptr_t begin, uintptr_t end);

// A region that cannot be released while this object lives. Empty where none is at the address.
class visited_region {
 public:
  explicit visited_region(uintptr_t address);
  ~visited_region();
  visited_region(const visited_region&) = delete;
  visited_region& operator=(const visited_region&) = delete;

  region_descriptor* get() const { return region_; }

 private:
  region_descriptor* region_;
};

}  // namespace nosigbus::registry
