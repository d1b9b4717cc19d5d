// SPDX-License-Identifier: MIT
//
// A place is where a region's memory is, or was before resize moved it: one descriptor, one range of
// addresses, one entry in the registry. Most regions have one.
#pragma once

#include <src/outside/blueprint.h>
#include <src/shared/region.h>

namespace nosigbus {

// Makes the place that the plan describes visible to signal handlers: the first one of a new region, or the
// newest of this one. 0; -ENOMEM, -EEXIST, -EMFILE (CLIP, and no descriptor to spare), or what taking SIGSEGV
// gives.
int begin_place(region_descriptor** out, const blueprint& plan, region_descriptor* handle = nullptr);

// As begin_place, of a region that nobody writes guarded reads for and that takes no SIGSEGV.
// Async-signal-safe where the plan has no fd.
int show_place(region_descriptor** out, const blueprint& plan, region_descriptor* handle = nullptr);

// Unmaps what is ours. No handler looks at the place any more when this returns; the descriptor is still
// taken.
void end_place(region_descriptor& place);

// Puts the file's mapping back over all overlays, whether the file supplies the pages or not: whoever reads
// there faults again. 0; -ENOTSUP where there is no way back, or -errno. Async-signal-safe.
int uncover(region_descriptor& place);

// Whether the handle is one. Where the library was built with NOSIGBUS_CHECKS, a handle that was released
// ends the process with a message.
bool usable(const region_descriptor* handle);

}  // namespace nosigbus
