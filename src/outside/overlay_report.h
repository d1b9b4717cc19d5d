// SPDX-License-Identifier: MIT
//
// Guarded operations that met an overlay: no fault, or one that a region absorbed, and yet not the file's
// bytes.
#pragma once

#include <nosigbus/fault.h>
#include <src/shared/region.h>
#include <stddef.h>
#include <stdint.h>

namespace nosigbus {

// Whether an overlay may have supplied bytes to an operation that began when the overlay census was `before`
// and has ended. The fence orders the operation's loads before that of the census: zeros that they saw were
// announced to it.
inline bool overlays_since(uint64_t before) {
  std::atomic_thread_fence(std::memory_order_acquire);
  return !overlay_census::none(before, g_overlay_census.read());
}

// After an operation that reached all of [begin, end) since the overlay census was `before`: fills
// t_last_fault with the first byte that an overlay supplied, or (where overlays came or went meanwhile)
// may have supplied. Leaves it alone where there is none.
void report_overlays(uintptr_t begin, uintptr_t end, nosigbus_access access, uint64_t before);

// Is there a region with NOSIGBUS_CLIP in [begin, end)? The caller is using the memory.
bool clips(uintptr_t begin, uintptr_t end);

// After an operation that read [begin, end) into dst: zeroes what it took from behind the end of file in
// regions with NOSIGBUS_CLIP.
void clip_to_file(void* dst, uintptr_t begin, uintptr_t end);

}  // namespace nosigbus
