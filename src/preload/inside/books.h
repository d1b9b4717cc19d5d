// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Regions that come and go without the program's knowledge. All functions but any() are called with the books
// locked.
#pragma once

#include <nosigbus/fault.h>
#include <src/inside/mapping_info.h>
#include <src/preload/state.h>
#include <src/shared/counters.h>
#include <src/shared/region.h>

namespace nosigbus::preload {

// Of /dev/zero, as mapping_info names it. Set once at start; 0 where there is none.
struct file_identity {
  uint64_t device, inode;
};
extern constinit file_identity g_zero;

// Whether anything is guarded now: nothing is, until something was damaged.
inline bool any_guarded() { return g_counters.regions.load(std::memory_order_relaxed) != 0; }

// Whether the region's overlays are where we left them: no mapping that the program made without our
// knowledge (by a raw system call, inside the C library) has taken their place. unknown: it could not be
// found out now.
enum class ours { yes, no, unknown };
ours still_ours(region_descriptor& region);

// Whether what is mapped at the address is what the region was made for.
bool belongs(const region_descriptor& region, const mapping_info& info, uintptr_t address);

// There is nothing in the region but what it was made for and its overlays: what is overlaid next may be any
// part of it. Where that cannot be found out, true.
bool as_it_was(region_descriptor& region);

// The region ends; what is mapped there is left as it is.
void forget(region_descriptor& region);

// The regions that touch [begin, end) end, and where overlays stood the file is mapped again.
void give_back(uintptr_t begin, uintptr_t end);

// The regions that touch [begin, end), where the kernel has just found room, end: somebody unmapped their
// memory without our knowledge.
void forget_range(uintptr_t begin, uintptr_t end);

enum class finding {
  guarded,     // in a region
  resumable,   // the mapping is another one by now
  not_guarded  // not ours to look at
};
// What is at the faulting address; makes it a region if it is a mapping in scope. Locks the books.
finding guard_mapping(const nosigbus_fault& fault, void* ucontext);

}  // namespace nosigbus::preload
