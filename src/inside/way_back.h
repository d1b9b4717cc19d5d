// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// From an overlay back to the file, without a descriptor: a shadow of the region, elsewhere. All functions
// are called with the region's lock held.
#pragma once

#include <src/shared/region.h>

namespace nosigbus {

// Of a shared mapping: makes the shadow, if there is none, from the region's first pages, which are the
// file's: a second mapping of it, with the protection that they have now (mremap(2), "old_size 0"). False:
// not possible.
bool make_shadow(region_descriptor& region);

// Of a private mapping, of which the kernel makes no second one: what `part` maps is moved to the same place
// in the shadow, with the pages that the program has written to, before an overlay takes its place; the part
// is the file's still, without those pages (MREMAP_DONTUNMAP). False, and no shadow any more, where it cannot
// be done (before Linux 5.13).
bool set_aside(region_descriptor& region, interval part);

// There is no way back any more, or no need of one.
void drop_shadow(region_descriptor& region);

// Where the region's page can be looked at: in the shadow if an overlay hides it. 0: nowhere.
uintptr_t beside_overlays(const region_descriptor& region, size_t page);

// Replaces the overlay of `part` by the file's pages out of the shadow, in one step for concurrent readers.
// An address or -errno.
long bring_back(const region_descriptor& region, interval part);

}  // namespace nosigbus
