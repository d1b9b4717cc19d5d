// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/probe.h>
#include <src/inside/region_facts.h>
#include <src/inside/repair.h>
#include <src/shared/counters.h>
#include <src/shared/registry.h>

namespace nosigbus {

constinit overlay_census g_overlay_census{};

namespace {

// Before the file's last page may be gone for good: keep a second mapping of it, from which refresh can
// duplicate the pages back (mremap(2), "old_size 0"; shared mappings only).
void keep_way_back(region_descriptor& region) {
  if (region.fd_remaps || region.shadow != 0 || region.no_way_back) return;
  const long shadow = sys::mremap(region.base, 0, region.mapped, MREMAP_MAYMOVE);
  if (!sys::failed(shadow)) {
    region.shadow = static_cast<uintptr_t>(shadow);
  } else if (region.fd >= 0 && region.offset != unknown_offset) {
    region.fd_remaps = true;  // if the descriptor permits what the mapping did
  } else {
    region.no_way_back = true;
  }
}

// The overlay of a region that discards writes is as writable as the mapping is now, any other is
// read-only: a write must not vanish unless it was asked to.
int overlay_protection(const region_descriptor& region, const nosigbus_fault& fault, size_t page) {
  if ((region.flags & NOSIGBUS_DISCARD_WRITES) == 0) return PROT_READ;
  if (fault.access == NOSIGBUS_WRITE) return PROT_READ | PROT_WRITE;
  // Asked of a missing page: "missing" if it could be written else.
  const probe::answer write = probe::pages(region.base + page, region.granule, true);
  const bool writable =
      write == probe::answer::denied ? (region.prot & PROT_WRITE) != 0 : write != probe::answer::forbidden;
  return writable ? PROT_READ | PROT_WRITE : PROT_READ;
}

bool map_zeros(const region_descriptor& region, interval part, int prot) {
  const uintptr_t begin = region.base + part.begin;
  const size_t length = part.end - part.begin;
  const long result =
      sys::mmap(begin, length, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (sys::failed(result)) return false;
  counters::add(g_counters.overlays);
  // Read-only zeros can come from the one huge zero page: a reader of the whole tail then faults once
  // per huge page instead of once per page. Advice: failing costs nothing but time.
  if ((prot & PROT_WRITE) == 0 && length >= size_t{2} << 20) sys::madvise(begin, length, MADV_HUGEPAGE);
  return true;
}

// Overlays `part`, leaving alone what is overlaid already where that could hold discarded writes.
bool map_zeros_in_gaps(const region_descriptor& region, interval part, int prot) {
  if ((prot & PROT_WRITE) == 0) return map_zeros(region, part, prot);
  size_t begin = part.begin;
  for (unsigned i = 0; i < region.overlays.size(); ++i) {
    const interval& old = region.overlays[i];
    if (old.end <= begin || old.begin >= part.end) continue;
    if (old.begin > begin && !map_zeros(region, {begin, old.begin}, prot)) return false;
    begin = old.end;
  }
  return begin >= part.end || map_zeros(region, {begin, part.end}, prot);
}

bool overlay(region_descriptor& region, const nosigbus_fault& fault, size_t page, interval part) {
  const int prot = overlay_protection(region, fault, page);
  keep_way_back(region);
  part = region.overlays.widened(part);
  const bool first = region.overlays.empty();
  // Both before the first zero can be read: whoever reads it must be able to notice afterwards.
  first ? overlay_begins(region) : overlay_grows(region);
  bool done = map_zeros_in_gaps(region, part, prot);
  // An overlaid page that cannot be accessed is not ours any more: somebody mapped over it.
  if (done && region.overlays.contains(page)) done = map_zeros(region, {page, page + region.granule}, prot);
  if (!done) {
    // Map limit, a sealed mapping (mseal), huge pages of a size we do not know: declined.
    if (first) overlay_ends(region);
    return false;
  }
  region.overlays.add(part);
  region.last_overlay = region.overlays.hull();
  region.last_cause = fault.cause;
  if (fault.cause != NOSIGBUS_EOF) region.bad_pages = true;
  return true;
}

bool absorbs(const region_descriptor& region, const nosigbus_fault& fault) {
  if (fault.access == NOSIGBUS_WRITE && (region.flags & NOSIGBUS_DISCARD_WRITES) == 0) return false;
  switch (fault.cause) {
    case NOSIGBUS_EOF:
      return true;
    case NOSIGBUS_IO:
      return (region.flags & NOSIGBUS_ABSORB_IO) != 0;
    case NOSIGBUS_POISON:
      return (region.flags & NOSIGBUS_ABSORB_POISON) != 0;
    default:
      return false;
  }
}

bool repair_locked(region_descriptor& region, nosigbus_fault& fault) {
  const size_t page = (fault.address - region.base) & ~(region.granule - 1);
  const bool write = fault.access == NOSIGBUS_WRITE;
  // Another thread was faster. Asked of the kernel, not of our books: somebody may have mapped a file
  // over our overlay, and resuming would then fault for ever.
  if (region.overlays.contains(page) && fault.cause == NOSIGBUS_MISSING &&
      probe::pages(region.base + page, region.granule, write) == probe::answer::accessible) {
    return true;
  }
  const verdict found =
      fault.cause == NOSIGBUS_MISSING ? decide(region, page, write) : lost(region, fault, page);
  if (found.cause == NOSIGBUS_NONE) return true;  // it is there again
  fault.cause = found.cause;
  if (!absorbs(region, fault)) return false;
  if (!overlay(region, fault, page, found.missing)) return false;
  if (found.first_bad < region.first_bad_offset) region.first_bad_offset = found.first_bad;
  return true;
}

}  // namespace

bool repair(nosigbus_fault& fault) {
  if (registry::find(fault.address) == nullptr) return false;
  const scoped_signal_block no_signals;
  const registry::visited_region visited(fault.address);
  region_descriptor* const region = visited.get();
  if (region == nullptr) return false;
  const scoped_lock lock(region->sync->lock);
  if (!repair_locked(*region, fault)) return false;
  region->faults.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool write_to_overlay(nosigbus_fault& fault) {
  if (fault.access != NOSIGBUS_WRITE || fault.code != SEGV_ACCERR) return false;
  if (registry::find(fault.address) == nullptr) return false;
  const scoped_signal_block no_signals;
  const registry::visited_region visited(fault.address);
  region_descriptor* const region = visited.get();
  if (region == nullptr) return false;
  const scoped_lock lock(region->sync->lock);
  if (!region->overlays.contains(fault.address - region->base)) return false;
  fault.cause = region->last_cause;
  return true;
}

}  // namespace nosigbus
