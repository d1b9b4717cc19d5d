// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/probe.h>
#include <src/inside/refresh.h>
#include <src/preload/inside/books.h>
#include <src/preload/inside/refused_write.h>
#include <src/shared/region_lock.h>
#include <src/shared/registry.h>
#include <src/shared/thread_state.h>

namespace nosigbus::preload {

namespace {

// An overlay of a mapping that the program may write to. Its protection is what it was when the region was
// made: mprotect(2) ends regions.
bool refuses_writes(region_descriptor& region, uintptr_t address) {
  const scoped_signal_block no_signals;
  const region_lock lock(region, no_signals);
  return (region.prot & PROT_WRITE) != 0 && (region.flags & NOSIGBUS_DISCARD_WRITES) == 0 &&
         region.overlays.contains(address - region.base);
}

bool writable(uintptr_t address, size_t granule) {
  return probe::pages(address & ~(granule - 1), granule, true) == probe::answer::accessible;
}

}  // namespace

refusal look_at_refused_write(const nosigbus_fault& fault, journal_record** record) {
  if (fault.cause != NOSIGBUS_PROTECTED || fault.code != SEGV_ACCERR || fault.access == NOSIGBUS_READ) {
    return refusal::not_ours;
  }
  // None was ever made.
  if (g_counters.overlays.load(std::memory_order_relaxed) == 0) return refusal::not_ours;
  const books_lock lock;
  region_descriptor* const region = registry::find(fault.address);
  if (region == nullptr || !refuses_writes(*region, fault.address)) {
    // Healed meanwhile. Where the machine does not tell a write from the rest, that cannot be found out: a
    // jump into data would be resumed for ever.
    return fault.access == NOSIGBUS_WRITE && writable(fault.address, g_page_size) ? refusal::resumable
                                                                                  : refusal::not_ours;
  }
  if (const ours now = still_ours(*region); now != ours::yes) {
    if (now == ours::no) forget(*region);
    return refusal::not_ours;
  }
  *record = static_cast<journal_record*>(region->companion);
  // What comes back now is the healer's to note.
  refresh(*region);
  return writable(fault.address, region->granule) ? refusal::resumable : refusal::missing;
}

}  // namespace nosigbus::preload
