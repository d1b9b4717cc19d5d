// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <src/inside/mapping_info.h>
#include <src/inside/probe.h>
#include <src/inside/refresh.h>
#include <src/inside/region_facts.h>
#include <src/inside/replace.h>
#include <src/inside/way_back.h>
#include <src/shared/region_lock.h>
#include <src/shared/thread_state.h>

namespace nosigbus {

namespace {

constexpr uint64_t unknown_size = UINT64_MAX;

// Where overlays left the front of the file mapping in place, a shadow can still be made, which knows what
// protection the pages are to have; else the descriptor has to do.
bool find_way_back(region_descriptor& region) {
  return (region.overlays[0].begin != 0 && make_shadow(region)) || region.shadow != 0 ||
         (region.fd_remaps && descriptor_of(region) >= 0);
}

// Of the pages in front of the overlays; where there are none, or no telling, as the region was made.
int protection_in_front(const region_descriptor& region) {
  const size_t begin = region.overlays[0].begin;
  mapping_info info;
  return begin == 0 || query_mapping(region.base + begin - 1, &info) != 0 ? region.prot : info.prot;
}

// Replaces the overlay of `part` by the file's pages, in one step for concurrent readers. 0 or -errno.
int reattach(const region_descriptor& region, interval part) {
  const uintptr_t begin = region.base + part.begin;
  const size_t length = part.end - part.begin;
  const long result = region.shadow != 0
                          ? bring_back(region, part)
                          : replace::with_file(begin, length, protection_in_front(region),
                                               region.shared ? MAP_SHARED : MAP_PRIVATE, region.fd,
                                               region.offset + static_cast<off_t>(part.begin));
  return sys::failed(result) ? static_cast<int>(result) : 0;
}

// Whether the file seems to supply `part` now: looks at a few pages of it, beside the overlay, so that no
// reader is sent into a bad page to find out. Few, because looking at a hole allocates it, and the holes
// are the other side's.
bool suppliable(const region_descriptor& region, interval part) {
  constexpr size_t most_looks = 16;
  const size_t length = part.end - part.begin;
  const long beside = region.shadow != 0 ? static_cast<long>(region.shadow + part.begin)
                                         : sys::mmap(0, length, PROT_READ, MAP_SHARED, region.fd,
                                                     region.offset + static_cast<off_t>(part.begin));
  if (sys::failed(beside)) return false;
  const size_t pages = length / region.granule;
  const size_t looks = pages < most_looks ? pages : most_looks;
  bool answer = true;
  for (size_t i = 0; i < looks && answer; ++i) {
    const size_t page = looks == 1 ? 0 : (pages - 1) * i / (looks - 1);
    answer = probe::readable(static_cast<uintptr_t>(beside) + page * region.granule, region.granule);
  }
  if (region.shadow == 0) sys::munmap(static_cast<uintptr_t>(beside), length);
  return answer;
}

// How far from its beginning the overlay can be healed now, by what is known of the file.
size_t healable_end(const region_descriptor& region, interval part, uint64_t size) {
  if (size != unknown_size) {
    const size_t within = static_cast<size_t>(bytes_within(region, size));
    const size_t end = (within + region.granule - 1) & ~(region.granule - 1);
    if (end <= part.begin) return part.begin;
    if (end < part.end) part.end = end;
  } else if (region.shadow != 0 && part.grade == NOSIGBUS_EOF) {
    return first_missing(region, part.begin, part.end);
  }
  const bool look = part.grade != NOSIGBUS_EOF || size == unknown_size;
  return look && !suppliable(region, part) ? part.begin : part.end;
}

// Heals what it can of the overlays. 0 or -errno.
int heal(region_descriptor& region, uint64_t size) {
  for (unsigned i = 0; i < region.overlays.size();) {
    const interval part = region.overlays[i];
    const size_t end = healable_end(region, part, size);
    if (end == part.begin) {
      ++i;
      continue;
    }
    // The kernel does not join neighbouring mappings of huge pages. What was healed before goes into one
    // mapping with this part, or an attacker could make one for each page.
    const bool joins = region.granule == g_page_size || !region.shared || i > 0;
    const size_t begin = joins ? part.begin : region.ever_overlaid.begin;
    if (const int error = reattach(region, {begin, end})) return error;
    if (region.overlays.trim_front(i, end)) ++i;
    if (!region.overlays.empty()) overlay_changes(region);
  }
  return 0;
}

// Whether every byte of the region is supplied by the file now.
bool whole(const region_descriptor& region, uint64_t size) {
  if (!region.overlays.empty()) return false;
  if (size != unknown_size) return bytes_within(region, size) == region.size;
  return probe::readable(region.base + region.mapped - region.granule, region.granule);
}

// What refresh returns of a region whose overlays are as they can be.
int answer(const region_descriptor& region, uint64_t size) {
  if (!whole(region, size)) return 0;
  return region.has_holes ? -ENOTSUP : 1;
}

int uncover_locked(region_descriptor& region, region_lock& lock) {
  if (region.overlays.empty()) return 0;
  if (!find_way_back(region)) return -ENOTSUP;
  lock.begin_change({});
  int error = 0;
  while (!region.overlays.empty() && error == 0) {
    const interval part = region.overlays[0];
    error = reattach(region, part);
    if (error == 0) region.overlays.trim_front(0, part.end);
  }
  region.overlays.empty() ? overlay_ends(region) : overlay_changes(region);
  lock.end_change();
  return error;
}

int refresh_locked(region_descriptor& region, region_lock& lock) {
  const uint64_t size = file_size(region);
  if (region.overlays.empty()) return answer(region, size);
  if (!find_way_back(region)) return -ENOTSUP;
  lock.begin_change({});
  const int error = heal(region, size);
  if (region.overlays.empty()) {
    region.first_bad_offset = UINT64_MAX;
    overlay_ends(region);
  } else if (region.first_bad_offset < region.overlays[0].begin) {
    region.first_bad_offset = size != unknown_size ? bytes_within(region, size) : region.overlays[0].begin;
  }
  lock.end_change();
  if (region.overlays.empty()) drop_shadow(region);
  if (error != 0) return error;
  return answer(region, size);
}

}  // namespace

int refresh(region_descriptor& place) {
  const scoped_signal_block no_signals;
  region_lock lock(place, no_signals);
  return refresh_locked(place, lock);
}

int uncover(region_descriptor& place) {
  const scoped_signal_block no_signals;
  region_lock lock(place, no_signals);
  return uncover_locked(place, lock);
}

}  // namespace nosigbus
