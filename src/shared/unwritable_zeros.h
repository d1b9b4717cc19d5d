// SPDX-License-Identifier: MIT
//
// Zeros that mprotect(2) cannot make writable: what overlays are made of in regions that do not discard
// writes, so that a region whose protection is widened later does not swallow what is written to its missing
// pages.
//
// A shared mapping of /dev/zero, opened for reading only. For its descriptor's sake the kernel neither shares
// it nor lets it become writable, and what is left is anonymous memory without VM_MAYWRITE (do_mmap in
// mm/mmap.c, mmap_zero in drivers/char/mem.c): nothing is allocated, and the huge zero page serves it. One
// page of it is kept as a template, of which mremap(2) with an old size of 0 makes mappings of any size. So
// no descriptor is kept, which the program could close and open something else in its place.
#pragma once

#include <stdint.h>

#include <atomic>

namespace nosigbus {

// The template; 0 where there is none (no /dev/zero). Set once (release), before the first region, read by
// handlers (acquire).
extern constinit std::atomic<uintptr_t> g_unwritable_zeros;

}  // namespace nosigbus
