// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Places that come and go: a descriptor, a range of addresses, an entry in the registry.
#pragma once

#include <src/shared/blueprint.h>

namespace nosigbus {

// Makes the place that the plan describes visible to signal handlers: the first one of a new region, or the
// newest of this one. The plan's fd is the region's from then on. 0; -ENOMEM, -EEXIST.
int show_place(region_descriptor** out, const blueprint& plan, region_descriptor* handle = nullptr);

// Unmaps what is ours. No handler looks at the place any more when this returns; the descriptor is still
// taken.
void end_place(region_descriptor& place);

// Of a region that is not live any more: ends all its places and gives their descriptors back. Its fd is left
// to the caller.
void end_region(region_descriptor& handle);

}  // namespace nosigbus
