// SPDX-License-Identifier: MIT
//
// A second mapping of memory that somebody else has mapped, guarded.
#pragma once

#include <nosigbus/region.h>
#include <stddef.h>

namespace nosigbus::wayland {

struct guarded_mapping {
  void* address;  // page-aligned
  size_t length;  // whole pages
  nosigbus_region* region;
};

// Of the pages that hold [data, data + size), for reading, or also for writing. 0; -ENOTSUP: the kernel makes
// no second mapping of this memory; -ENOMEM; -EINVAL: the range wraps.
int map_again(guarded_mapping& out, const void* data, size_t size, bool writable);

void unmap(const guarded_mapping& mapping);

}  // namespace nosigbus::wayland
