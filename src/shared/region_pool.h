// SPDX-License-Identifier: MIT
//
// Where descriptors come from: chunks of growing size that are never given back, and a lock-free list
// of free ones.
#pragma once

#include <src/shared/region.h>

namespace nosigbus::region_pool {

// A descriptor that belongs to the caller, or null without memory.
region_descriptor* take();

// The descriptor of this number; null where there are fewer.
region_descriptor* descriptor(uint32_t index);

// Gives it back. No handler may rely on its fields any more (visitors have been waited for).
void give(region_descriptor& region);

// Calls visit(handle) for each live region. None of these can be released while it is visited.
template <class Visit>
void for_each_handle(Visit visit) {
  for (uint32_t index = 0; region_descriptor* const region = descriptor(index); ++index) {
    region->sync->visitors.enter();
    if (region->live.load(std::memory_order_seq_cst)) visit(*region);
    region->sync->visitors.leave();
  }
}

}  // namespace nosigbus::region_pool
