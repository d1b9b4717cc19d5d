// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// From overlays back to the file's pages.
#pragma once

#include <src/shared/region.h>

namespace nosigbus {

// As nosigbus_region_refresh, of one place.
int refresh(region_descriptor& place);

// Puts the file's mapping back over all overlays, whether the file supplies the pages or not: whoever reads
// there faults again. 0; -ENOTSUP where there is no way back, or -errno.
int uncover(region_descriptor& place);

}  // namespace nosigbus
