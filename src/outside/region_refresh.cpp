// SPDX-License-Identifier: MIT
//
// Puts the file's pages back where overlays stand.
#include <errno.h>
#include <nosigbus/region.h>
#include <src/inside/probe.h>
#include <src/inside/region_facts.h>
#include <src/shared/region.h>

namespace nosigbus {

namespace {

constexpr uint64_t unknown_size = UINT64_MAX;

bool readable(uintptr_t address, size_t length) {
  return probe::pages(address, length, false) == probe::answer::accessible;
}

// For an overlay that left the front of the file mapping in place, the shadow can still be made.
void find_way_back(region_descriptor& region) {
  if (region.fd_remaps || region.shadow != 0 || !region.shared || region.overlays[0].begin == 0) return;
  const long shadow = sys::mremap(region.base, 0, region.mapped, MREMAP_MAYMOVE);
  if (sys::failed(shadow)) return;
  region.shadow = static_cast<uintptr_t>(shadow);
  region.no_way_back = false;
}

// Replaces the overlay of `part` by the file's pages, in one step for concurrent readers. 0 or -errno.
int reattach(const region_descriptor& region, interval part) {
  const uintptr_t begin = region.base + part.begin;
  const size_t length = part.end - part.begin;
  const long result =
      region.fd_remaps
          ? sys::mmap(begin, length, region.prot, (region.shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED,
                      region.fd, region.offset + static_cast<off_t>(part.begin))
          : sys::mremap(region.shadow + part.begin, 0, length, MREMAP_MAYMOVE | MREMAP_FIXED, begin);
  return sys::failed(result) ? static_cast<int>(result) : 0;
}

// Whether the file supplies every page of `part` now. Looked at beside the overlay, in a mapping of its
// own, so that readers of the region are not sent into the bad page to find out.
bool suppliable(const region_descriptor& region, interval part) {
  const size_t length = part.end - part.begin;
  if (!region.fd_remaps) return readable(region.shadow + part.begin, length);
  const long trial =
      sys::mmap(0, length, PROT_READ, MAP_SHARED, region.fd, region.offset + static_cast<off_t>(part.begin));
  if (sys::failed(trial)) return false;
  const bool answer = readable(static_cast<uintptr_t>(trial), length);
  sys::munmap(static_cast<uintptr_t>(trial), length);
  return answer;
}

// How far from its beginning the overlay i can be healed now, by what is known of the file.
size_t healable_end(const region_descriptor& region, const interval& part, uint64_t size) {
  if (region.bad_pages && !suppliable(region, part)) return part.begin;
  if (size != unknown_size) {
    const size_t within = static_cast<size_t>(bytes_within(region, size));
    const size_t end = (within + region.granule - 1) & ~(region.granule - 1);
    return end < part.begin ? part.begin : end < part.end ? end : part.end;
  }
  if (region.shadow == 0) return suppliable(region, part) ? part.end : part.begin;
  if (readable(region.shadow + part.end - region.granule, region.granule)) return part.end;
  return first_missing(region, part.begin, part.end);
}

// Heals what it can of the overlays. 0 or -errno.
int heal(region_descriptor& region, uint64_t size) {
  for (unsigned i = 0; i < region.overlays.size();) {
    const interval part = region.overlays[i];
    const size_t end = healable_end(region, part, size);
    if (end > part.begin) {
      if (const int error = reattach(region, {part.begin, end})) return error;
    }
    if (region.overlays.trim_front(i, end)) {
      ++i;
      if (end > part.begin) overlay_grows(region);  // no end of it yet, but readers saw it change
    }
  }
  return 0;
}

// Whether every byte of the region is supplied by the file now.
bool whole(const region_descriptor& region, uint64_t size) {
  if (!region.overlays.empty()) return false;
  if (size != unknown_size) return bytes_within(region, size) == region.size;
  return readable(region.base + region.mapped - region.granule, region.granule);
}

int refresh_locked(region_descriptor& region) {
  const uint64_t size = file_size(region);
  if (region.overlays.empty()) return whole(region, size) ? 1 : 0;
  find_way_back(region);
  if (region.no_way_back) return -ENOTSUP;
  const int error = heal(region, size);
  if (region.overlays.empty()) {
    region.first_bad_offset = UINT64_MAX;
    region.bad_pages = false;
    overlay_ends(region);
    if (region.shadow != 0) {
      sys::munmap(region.shadow, region.mapped);
      region.shadow = 0;
    }
  } else if (region.first_bad_offset < region.overlays[0].begin) {
    region.first_bad_offset = size != unknown_size ? bytes_within(region, size) : region.overlays[0].begin;
  }
  if (error != 0) return error;
  return whole(region, size) ? 1 : 0;
}

}  // namespace

}  // namespace nosigbus

using namespace nosigbus;

int nosigbus_region_refresh(nosigbus_region* region) noexcept {
  if (region == nullptr) return -EINVAL;
  const scoped_signal_block no_signals;
  const scoped_lock lock(region->sync->lock);
  return refresh_locked(*region);
}
