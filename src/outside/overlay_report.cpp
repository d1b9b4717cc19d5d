// SPDX-License-Identifier: MIT
#include <src/inside/region_facts.h>
#include <src/outside/overlay_report.h>
#include <src/shared/region_lock.h>
#include <src/shared/registry.h>
#include <src/shared/thread_state.h>
#include <string.h>

namespace nosigbus {

namespace {

// Calls visit(region, no_signals) for each region in [begin, end) until it returns true. As a visitor: the
// caller uses the memory, so none of its regions can be released meanwhile, but one that another thread tries
// to adopt can be there for a moment. It must not touch the caller's memory: a fault there would find SIGBUS
// blocked.
template <class Visit>
void for_each_region(uintptr_t begin, uintptr_t end, Visit visit) {
  for (uintptr_t at = registry::find_first(begin, end); at < end; at = registry::find_first(at, end)) {
    // Before the visit begins: a signal handler that leaves by longjmp would leave it open.
    const scoped_signal_block no_signals;
    const registry::visited_region visited(at);
    region_descriptor* const region = visited.get();
    if (region != nullptr && visit(*region, no_signals)) return;
    const uintptr_t behind = region == nullptr ? 0 : region->base + region->mapped;
    at = behind > at ? behind : at + registry::leaf_size;
  }
}

// Counts come round, and after hours of changes an old one lies in front of `before`: so it has to lie behind
// the count as it is now, too.
bool changed_since(const region_descriptor& region, uint64_t before) {
  // In this order (acquire, with the release in overlay_begins and the others): no change is ahead of now.
  const uint32_t changed = region.changed_at.load(std::memory_order_acquire);
  const uint32_t now = overlay_census::changes(g_overlay_census.read());
  const uint32_t then = overlay_census::changes(before);
  return changed != then && changed - then <= now - then;
}

bool overlaid(const region_descriptor& region) {
  return (region.generation.load(std::memory_order_acquire) & 1) != 0;
}

// The first byte of [begin, end) that one of the region's overlays supplied, or may have supplied since
// `before`; begin == end if none. Its grade is the cause.
interval first_overlaid(region_descriptor& region, uintptr_t begin, uintptr_t end, uint64_t before,
                        const scoped_signal_block& no_signals) {
  const region_lock lock(region, no_signals);
  interval first{end, end};
  const auto consider = [&](const interval& part) {
    const uintptr_t from = region.base + part.begin, to = region.base + part.end;
    const uintptr_t met = from > begin ? from : begin;
    if (met < to && met < first.begin) first = {met, end, part.grade};
  };
  for (unsigned i = 0; i < region.overlays.size(); ++i) consider(region.overlays[i]);
  // Looked at with the lock held: a refresh that held it has changed both by now.
  if (changed_since(region, before)) consider(region.ever_overlaid);
  return first;
}

}  // namespace

void report_overlays(uintptr_t begin, uintptr_t end, nosigbus_access access, uint64_t before) {
  for_each_region(begin, end, [=](region_descriptor& region, const scoped_signal_block& no_signals) {
    // In this order: an overlay that goes away in between changes changed_at before generation (acquire,
    // with the releases in overlay_ends), so that one of the two tells of it.
    if (!overlaid(region) && !changed_since(region, before)) return false;
    const interval first = first_overlaid(region, begin, end, before, no_signals);
    if (first.begin == first.end) return false;
    t_last_fault = {first.begin,   0, SIGBUS, BUS_ADRERR, static_cast<nosigbus_cause>(first.grade), access,
                    region.granule};
    return true;
  });
}

bool clips(uintptr_t begin, uintptr_t end) {
  bool any = false;
  for_each_region(begin, end, [&any](const region_descriptor& region, const scoped_signal_block&) {
    any = (region.flags & NOSIGBUS_CLIP) != 0;
    return any;
  });
  return any;
}

void clip_to_file(void* dst, uintptr_t begin, uintptr_t end) {
  for (uintptr_t at = begin; at < end;) {
    uintptr_t from = end, to = end;
    for_each_region(at, end, [&](const region_descriptor& region, const scoped_signal_block&) {
      if ((region.flags & NOSIGBUS_CLIP) == 0) return false;
      const uint64_t size = file_size(region);
      if (size == ~uint64_t{0}) return false;
      const uintptr_t file_end = region.base + bytes_within(region, size);
      // Of its last page: what is behind is ours, zeros or writes that are discarded.
      const uintptr_t page_end = (file_end + region.granule - 1) & ~(region.granule - 1);
      from = file_end > at ? file_end : at;
      to = end < page_end ? end : page_end;
      return from < to;
    });
    if (from >= to) return;
    memset(static_cast<char*>(dst) + (from - begin), 0, to - from);
    at = to;
  }
}

}  // namespace nosigbus
