// SPDX-License-Identifier: MIT
//
// What a place is made from, before it has a descriptor.
#pragma once

#include <nosigbus/region.h>
#include <src/shared/region.h>

namespace nosigbus {

inline constexpr unsigned adopt_flags =
    NOSIGBUS_DISCARD_WRITES | NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON | NOSIGBUS_CLIP;
inline constexpr unsigned map_flags = adopt_flags | NOSIGBUS_PRIVATE;

struct blueprint {
  uintptr_t base = 0;
  size_t size = 0, mapped = 0, reserved = 0, granule = 0;
  off_t offset = unknown_offset;
  int fd = -1;  // the caller's; the handle's where there is one
  uint64_t fd_device = 0, fd_inode = 0;
  int prot = 0;
  unsigned flags = 0;
  bool owned = false, has_holes = false, begins_with_hole = false, shared = false;
  bool fd_remaps = false, overlays_stay_unwritable = true, ask_descriptor = false, overlays_traceable = false;
  uint64_t device = 0, inode = 0;
  void* companion = nullptr;
};

inline size_t round_up(size_t value, size_t granule) { return (value + granule - 1) & ~(granule - 1); }

}  // namespace nosigbus
