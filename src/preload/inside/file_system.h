// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Which file system a mapped file is on, by its device number: a path means what whoever opened it wanted.
#pragma once

#include <src/inside/mapping_info.h>

namespace nosigbus::preload {

enum class file_system {
  in_memory,  // tmpfs, ramfs, hugetlbfs
  other,
  not_here  // mounted nowhere in this process's mount namespace, or it cannot be found out
};

// path: where the file seems to be, and room to work in; it is as before when this returns.
file_system file_system_of(const mapping_info& info, char* path);

}  // namespace nosigbus::preload
