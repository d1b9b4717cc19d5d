// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// What the kernel knows of a mapping of this process.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

namespace nosigbus {

constexpr uint64_t device_number(uint64_t major, uint64_t minor) { return major << 32 | minor; }
// As stat(2) gives it.
inline uint64_t device_number(dev_t device) { return device_number(major(device), minor(device)); }

struct mapping_info {
  uintptr_t begin, end;  // of the whole mapping
  uint64_t device;       // device_number of the file's, 0 of anonymous memory
  uint64_t inode;        // as device
  int prot;              // PROT_*
  bool shared;           // MAP_SHARED
  off_t offset;          // file offset of the address asked about
  size_t page_size;      // of huge pages their own; 0 where the kernel does not say
};

// A name as /proc/PID/maps shows it ("/dev/shm/x (deleted)", "/memfd:y (deleted)"), cut off where it is
// longer; empty where there is none.
struct mapping_name {
  char* text;
  size_t size;  // of the text, the NUL included
};

// The mapping at `address`, and its name where one is asked for. 0; -ENOENT nothing is mapped there; else
// -errno where it cannot be found out (no /proc, no descriptor to spare). By ioctl(PROCMAP_QUERY) since
// Linux 6.11, by reading /proc/self/maps before. Async-signal-safe.
int query_mapping(uintptr_t address, mapping_info* out, mapping_name name = {nullptr, 0});

// Whether all of [begin, end) is mapped, by whatever. Needs no /proc. Async-signal-safe.
bool wholly_mapped(uintptr_t begin, uintptr_t end);

}  // namespace nosigbus
