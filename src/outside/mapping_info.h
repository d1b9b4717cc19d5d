// SPDX-License-Identifier: MIT
//
// What the kernel knows of a mapping of this process.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace nosigbus {

struct mapping_info {
  uintptr_t end;     // where the mapping ends
  uint64_t device;   // of the file, 0 of anonymous memory
  uint64_t inode;    // as device
  int prot;          // PROT_*
  bool shared;       // MAP_SHARED
  off_t offset;      // file offset of the address asked about
  size_t page_size;  // of huge pages their own; 0 where the kernel does not say
};

// The mapping at `address`. 0; -ENOENT nothing is mapped there; else -errno where it cannot be found out
// (no /proc). By ioctl(PROCMAP_QUERY) since Linux 6.11, by reading /proc/self/maps before.
int query_mapping(uintptr_t address, mapping_info* out);

// Whether all of [begin, end) is mapped, by whatever. Needs no /proc.
bool wholly_mapped(uintptr_t begin, uintptr_t end);

}  // namespace nosigbus
