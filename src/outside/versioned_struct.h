// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <string.h>

namespace nosigbus {

// Fills a caller's structure of `size` bytes from ours, whichever of the two is the longer: a caller
// built against another version of the library reads zeros for what we do not know.
inline void copy_versioned(void* out, size_t size, const void* ours, size_t our_size) {
  const size_t common = size < our_size ? size : our_size;
  memcpy(out, ours, common);
  memset(static_cast<char*>(out) + common, 0, size - common);
}

}  // namespace nosigbus
