// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// What a mapping maps.
#pragma once

#include <src/inside/mapping_info.h>

namespace nosigbus::preload {

enum class file_kind {
  anonymous,      // no file
  shared_memory,  // memfd, tmpfs, hugetlbfs: what clients hand to servers
  file,           // of any other file system
  device
};

// name: as the kernel gave it, and room to work in; it is as before when this returns.
file_kind kind_of(const mapping_info& info, char* name);

}  // namespace nosigbus::preload
