// SPDX-License-Identifier: MIT
//
// Where descriptors come from: chunks of growing size that are never given back, and a lock-free list
// of free ones.
#pragma once

#include <src/shared/region.h>

namespace nosigbus::region_pool {

// A descriptor that belongs to the caller, or null without memory.
region_descriptor* take();

// Gives it back. No handler may rely on its fields any more (visitors have been waited for).
void give(region_descriptor& region);

}  // namespace nosigbus::region_pool
