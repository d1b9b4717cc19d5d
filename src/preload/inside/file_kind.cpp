// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/preload/inside/file_kind.h>
#include <src/preload/inside/file_system.h>
#include <src/shared/syscalls.h>
#include <src/shared/thread_state.h>

namespace nosigbus::preload {

namespace {

bool begins(const char* text, const char* with) {
  while (*with != '\0' && *text == *with) ++text, ++with;
  return *with == '\0';
}

// That device itself: a file in somebody else's mount namespace can have its path.
bool is_character_device(const mapping_info& info, const char* path) {
  struct stat status {};
  return !sys::failed(sys::stat(path, &status)) && S_ISCHR(status.st_mode) && status.st_ino == info.inode &&
         device_number(status.st_dev) == info.device;
}

}  // namespace

// A name can make memory of a file, which is guarded then, but hardly anything else: whoever sends a
// descriptor chooses the path.
file_kind kind_of(const mapping_info& info, char* name) {
  if (info.inode == 0 && info.device == 0) return file_kind::anonymous;
  if (info.page_size > g_page_size) {
    // MAP_ANONYMOUS | MAP_HUGETLB has a file that nobody else has. Only root mounts hugetlbfs, and could give
    // another file that name.
    return begins(name, "/anon_hugepage (deleted)") ? file_kind::anonymous : file_kind::shared_memory;
  }
  if (begins(name, "/memfd:") || begins(name, "/dev/shm/") || begins(name, "/SYSV")) {
    return file_kind::shared_memory;
  }
  if (begins(name, "/dev/") && is_character_device(info, name)) return file_kind::device;
  // File systems in memory have no device of their own, their numbers are of major 0.
  if (info.device >> 32 != 0) return file_kind::file;
  // Files have paths. What has none is the kernel's own: sockets, rings, counters.
  if (name[0] != '/') return file_kind::device;
  switch (file_system_of(info, name)) {
    case file_system::in_memory:
    // Of another mount namespace, or of none: memory that a client has mounted for itself looks like that.
    case file_system::not_here:
      return file_kind::shared_memory;
    case file_system::other:
      break;
  }
  return file_kind::file;
}

}  // namespace nosigbus::preload
