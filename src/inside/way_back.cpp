// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/replace.h>
#include <src/inside/way_back.h>

namespace nosigbus {

namespace {

// Linux 5.7; of file mappings since 5.13 (mremap(2)).
constexpr int dontunmap = 4;

// The source stays mapped as it is, without the pages: no hole for anybody's memory to come to lie in. Not at
// once to where they go: before it looks whether the process may have that much address space more, the
// kernel takes away what is there.
long move_pages(uintptr_t from, uintptr_t to, size_t length) {
  const long made = sys::mremap(from, length, length, MREMAP_MAYMOVE | dontunmap);
  if (sys::failed(made)) return made;
  const uintptr_t between = static_cast<uintptr_t>(made);
  const long moved = sys::mremap(between, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, to);
  if (sys::failed(moved)) sys::mremap(between, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, from);
  return moved;
}

}  // namespace

void drop_shadow(region_descriptor& region) {
  const uintptr_t shadow = region.shadow;
  region.shadow = 0;
  // First of all: a child that is forked in between would take for its shadow whatever comes to lie there.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (shadow != 0) sys::munmap(shadow, region.shadow_length);
}

bool make_shadow(region_descriptor& region) {
  if (region.shadow != 0) return true;
  // Of an overlay it would be one of zeros.
  if (!region.shared || region.begins_with_hole) return false;
  const long shadow = sys::mremap(region.base, 0, region.mapped, MREMAP_MAYMOVE);
  if (sys::failed(shadow)) return false;
  region.shadow = static_cast<uintptr_t>(shadow);
  region.shadow_length = region.mapped;
  return true;
}

bool set_aside(region_descriptor& region, interval part) {
  // Overlays that were made without it are not in it.
  if (region.shadow == 0 && !region.overlays.empty()) return false;
  if (region.shadow == 0) {
    const long room =
        sys::mmap(0, region.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (sys::failed(room)) return false;
    region.shadow = static_cast<uintptr_t>(room);
    region.shadow_length = region.mapped;
  }
  interval rest = part;
  for (;;) {
    const interval gap = region.overlays.first_gap(rest);
    if (gap.begin == gap.end) return true;
    if (sys::failed(move_pages(region.base + gap.begin, region.shadow + gap.begin, gap.end - gap.begin))) {
      drop_shadow(region);
      return false;
    }
    rest.begin = gap.end;
  }
}

uintptr_t beside_overlays(const region_descriptor& region, size_t page) {
  const bool hidden = region.overlays.contains(page);
  if (region.shadow == 0) return hidden ? 0 : region.base + page;
  // A private shadow has what is hidden, and nothing else.
  return (region.shared || hidden ? region.shadow : region.base) + page;
}

long bring_back(const region_descriptor& region, interval part) {
  const uintptr_t to = region.base + part.begin, from = region.shadow + part.begin;
  const size_t length = part.end - part.begin;
  return region.shared ? replace::with_duplicate(to, length, from) : move_pages(from, to, length);
}

}  // namespace nosigbus
