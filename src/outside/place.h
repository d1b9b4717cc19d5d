// SPDX-License-Identifier: MIT
//
// A place is where a region's memory is, or was before resize moved it: one descriptor, one range of
// addresses, one entry in the registry. Most regions have one.
#pragma once

#include <src/inside/place.h>

namespace nosigbus {

// Makes the place that the plan describes visible to signal handlers: the first one of a new region, or the
// newest of this one. 0; -ENOMEM, -EEXIST, -EMFILE (CLIP, and no descriptor to spare), or what taking SIGSEGV
// gives.
int begin_place(region_descriptor** out, const blueprint& plan, region_descriptor* handle = nullptr);

// What the plan has to know of the file: the unit in which its mappings can be changed, and which one it is.
// 0, -EBADF.
int look_at_file(int fd, blueprint& plan);

// Whether the handle is one. Where the library was built with NOSIGBUS_CHECKS, a handle that was released
// ends the process with a message.
bool usable(const region_descriptor* handle);

}  // namespace nosigbus
