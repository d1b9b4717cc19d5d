// SPDX-License-Identifier: MIT
//
// Zeroed memory that is zeros again in a child of fork, whichever way the child was made.
#pragma once

#include <src/shared/syscalls.h>

namespace nosigbus {

// Whole pages, whatever their size.
inline size_t whole_pages(size_t bytes) { return (bytes + 0xffff) & ~size_t{0xffff}; }

// 0 without memory. Linux 4.14; before, a child inherits what it holds.
inline uintptr_t map_fork_wiped(size_t bytes) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const long result = sys::mmap(0, whole_pages(bytes), PROT_READ | PROT_WRITE, flags, -1, 0);
  if (sys::failed(result)) return 0;
  sys::madvise(static_cast<uintptr_t>(result), whole_pages(bytes), MADV_WIPEONFORK);
  return static_cast<uintptr_t>(result);
}

inline void unmap_fork_wiped(uintptr_t address, size_t bytes) { sys::munmap(address, whole_pages(bytes)); }

}  // namespace nosigbus
