// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/mapping_info.h>
#include <src/inside/probe.h>
#include <src/inside/region_facts.h>
#include <src/inside/repair.h>
#include <src/inside/replace.h>
#include <src/inside/way_back.h>
#include <src/shared/call_chain.h>
#include <src/shared/counters.h>
#include <src/shared/event_queue.h>
#include <src/shared/region_lock.h>
#include <src/shared/registry.h>
#include <src/shared/unwritable_zeros.h>

namespace nosigbus {

constinit overlay_census g_overlay_census{};

namespace {

// Before the file's last page may be gone for good, and the first one may be hidden: where the descriptor
// cannot map it again, a shadow is made.
void keep_way_back(region_descriptor& region, interval part, bool by_size) {
  if (region.fd_remaps && (by_size || descriptor_of(region) >= 0)) return;
  if (region.shared ? !region.overlays.empty() || make_shadow(region) : set_aside(region, part)) return;
  // If it permits what the mapping did.
  region.fd_remaps = region.offset != unknown_offset && descriptor_of(region) >= 0;
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

// Duplicates the template of zeros that cannot be made writable.
bool map_unwritable_zeros(uintptr_t begin, size_t length) {
  const uintptr_t zeros = g_unwritable_zeros.load(std::memory_order_acquire);
  return zeros != 0 && !sys::failed(replace::with_duplicate(begin, length, zeros));
}

// Untraceable ones where it has to be: better than none.
long replace_by_zeros(region_descriptor& region, uintptr_t begin, size_t length, int prot) {
  if (region.overlays_traceable) {
    const long result = replace::with_traceable_zeros(begin, length, prot);
    if (!sys::failed(result)) return result;
  }
  region.untraceable = true;
  return replace::with_zeros(begin, length, prot);
}

// Before the first read-only overlay: what its file was opened for. by_size: the descriptor has just told the
// file's size.
void learn_from_descriptor(region_descriptor& region, bool by_size) {
  if (!region.ask_descriptor) return;
  region.ask_descriptor = false;
  region.overlays_stay_unwritable &= sys::opened_for_writing(by_size ? region.fd : descriptor_of(region));
}

bool map_zeros(region_descriptor& region, interval part, int prot) {
  const uintptr_t begin = region.base + part.begin;
  const size_t length = part.end - part.begin;
  if ((prot & PROT_WRITE) == 0 && region.overlays_stay_unwritable && map_unwritable_zeros(begin, length)) {
    counters::add(g_counters.overlays);
    return true;
  }
  long result = replace_by_zeros(region, begin, length, prot);
  // Under mlockall(MCL_FUTURE) the new pages count beside the locked ones that they replace.
  if (result == -EAGAIN && !sys::failed(sys::munlock(begin, length))) {
    result = replace_by_zeros(region, begin, length, prot);
  }
  if (sys::failed(result)) return false;
  counters::add(g_counters.overlays);
  // Read-only zeros can come from the one huge zero page: a reader of the whole tail then faults once
  // per huge page instead of once per page. Advice: failing costs nothing but time.
  if ((prot & PROT_WRITE) == 0 && length >= size_t{2} << 20) sys::madvise(begin, length, MADV_HUGEPAGE);
  return true;
}

// Overlays `part`. Read-only zeros replace zeros: all that becomes one overlay is mapped as one, and stays
// one VMA. Where overlays could hold discarded writes, only the gaps between them are filled; but
// traceable ones are of a file of its own each, and stay as many VMAs: after a few of them, what was written
// is discarded at once.
bool map_overlay(region_descriptor& region, interval part, int prot) {
  constexpr unsigned most_pieces = 2;
  const bool too_many = region.overlays_traceable && region.pieces >= most_pieces;
  if ((prot & PROT_WRITE) == 0 || too_many) {
    if (!map_zeros(region, region.overlays.united(part), prot)) return false;
    enter_in_books(region, part);
    return true;
  }
  for (;;) {
    const interval gap = region.overlays.first_gap(part);
    if (gap.begin == gap.end) return true;
    if (!map_zeros(region, gap, prot)) return false;
    ++region.pieces;
    enter_in_books(region, gap);
  }
}

// The part to overlay where there may be no room for another mapping: all of the region takes none. Empty for
// a private one, in which the program may keep something.
interval sparing_part(const region_descriptor& region) {
  return region.shared ? interval{0, region.mapped} : interval{0, 0};
}

bool overlay(region_descriptor& region, region_lock& lock, const nosigbus_fault& fault, size_t page,
             const verdict& found, effort how) {
  interval part = how == effort::sparing ? sparing_part(region) : found.missing;
  if (part.begin == part.end) return false;
  const int prot = overlay_protection(region, fault, page);
  const bool first = region.overlays.empty();
  if (first) region.isolated = region.pieces = 0;
  part.grade = fault.cause;
  part = region.overlays.widened(part, region.isolated < max_overlays);
  // An overlaid page that cannot be accessed is not ours any more: somebody mapped over it.
  const bool lost = region.overlays.contains(page);
  lock.begin_change(part);
  if (how == effort::usual) keep_way_back(region, part, found.by_size);
  if ((prot & PROT_WRITE) == 0) learn_from_descriptor(region, found.by_size);
  // Before the first zero can be read: whoever reads it must be able to notice afterwards.
  first ? overlay_begins(region) : overlay_changes(region);
  bool done = map_overlay(region, part, prot);
  if (done && lost) done = map_zeros(region, {page, page + region.granule}, prot);
  // Not done: map limit, a sealed mapping (mseal), huge pages of a size we do not know.
  if (region.overlays.empty()) overlay_ends(region);
  lock.end_change();
  return done;
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

// What is wrong with the faulting page, and whether it is to be absorbed. nothing: the access can go on.
enum class finding { nothing, to_absorb, to_decline };
finding look_at(region_descriptor& region, nosigbus_fault& fault, size_t page, verdict& found) {
  // Another thread was faster. Asked of the kernel, not of our books: somebody may have mapped a file
  // over our overlay, and resuming would then fault for ever.
  if (region.overlays.contains(page) && fault.cause == NOSIGBUS_MISSING &&
      accessible(region, page, fault.access)) {
    return finding::nothing;
  }
  // Anonymous memory between the file's pages would pass for what the file supplies: a second mapping has
  // none.
  if (region.has_holes && region.fd < 0) make_shadow(region);
  found = fault.cause == NOSIGBUS_MISSING ? decide(region, page, fault.access) : lost(region, fault, page);
  if (found.cause == NOSIGBUS_NONE) return finding::nothing;  // it is there again
  fault.cause = found.cause;
  return absorbs(region, fault) ? finding::to_absorb : finding::to_decline;
}

bool repair_locked(region_descriptor& region, region_lock& lock, nosigbus_fault& fault, effort how) {
  const size_t page = (fault.address - region.base) & ~(region.granule - 1);
  verdict found{};
  switch (look_at(region, fault, page, found)) {
    case finding::nothing:
      return true;
    case finding::to_decline:
      return false;
    case finding::to_absorb:
      break;
  }
  if (region.overlays.empty()) region.first_bad_offset = ~uint64_t{0};
  bool done = overlay(region, lock, fault, page, found, how);
  if (!done && how == effort::usual) done = overlay(region, lock, fault, page, found, effort::sparing);
  if (!done) return false;
  if (found.first_bad < region.first_bad_offset) region.first_bad_offset = found.first_bad;
  return true;
}

// Whether there was an overlay when the fault happened, which has been taken away since: the file's pages are
// there again, and can be written to.
bool overlay_has_gone(const region_descriptor& region, const nosigbus_fault& fault) {
  const size_t offset = fault.address - region.base;
  if (offset < region.ever_overlaid.begin || offset >= region.ever_overlaid.end) return false;
  mapping_info now;
  return query_mapping(fault.address, &now) == 0 && (now.prot & PROT_WRITE) != 0;
}

// What visit says of the region at this address, with its lock held; false where there is none.
template <class Visit>
bool with_region_at(uintptr_t address, Visit visit) {
  if (registry::find(address) == nullptr) return false;
  // Before the visit begins: a signal handler that leaves by longjmp would leave it open.
  const scoped_signal_block no_signals;
  const registry::visited_region visited(address);
  region_descriptor* const region = visited.get();
  if (region == nullptr) return false;
  region_lock lock(*region, no_signals);
  return address - region->base < region->mapped && visit(*region, lock);  // or has just been cut off
}

}  // namespace

bool repair(nosigbus_fault& fault, void* ucontext, effort how) {
  return with_region_at(fault.address, [&fault, ucontext, how](region_descriptor& region, region_lock& lock) {
    if (!repair_locked(region, lock, fault, how)) return false;
    // Before the count: who finds this fault counted finds the chain.
    collect_chain(*region.handle, ucontext);
    region.faults.fetch_add(1, std::memory_order_seq_cst);
    announce(*region.handle);
    return true;
  });
}

bool repairable(nosigbus_fault fault) {
  return with_region_at(fault.address, [&fault](region_descriptor& region, region_lock&) {
    const size_t page = (fault.address - region.base) & ~(region.granule - 1);
    verdict found{};
    return look_at(region, fault, page, found) != finding::to_decline;
  });
}

bool write_to_overlay(nosigbus_fault& fault) {
  // Zeros can be read: where the access is unknown, it was none.
  if (fault.access == NOSIGBUS_READ || fault.code != SEGV_ACCERR) return false;
  return with_region_at(fault.address, [&fault](region_descriptor& region, region_lock&) {
    const interval* const part = region.overlays.find(fault.address - region.base);
    if (part == nullptr && !overlay_has_gone(region, fault)) return false;
    fault.cause = static_cast<nosigbus_cause>(part != nullptr ? part->grade : region.ever_overlaid.grade);
    return true;
  });
}

}  // namespace nosigbus
