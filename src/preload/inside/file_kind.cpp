// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <linux/magic.h>
#include <src/preload/inside/file_kind.h>
#include <src/shared/syscalls.h>
#include <src/shared/thread_state.h>

namespace nosigbus::preload {

namespace {

bool begins(const char* text, const char* with) {
  while (*with != '\0' && *text == *with) ++text, ++with;
  return *with == '\0';
}

// The type of the file system that the mapped file is on: of the nearest directory that is still there and on
// the same device, as the file itself may be deleted. 0: not found.
long file_system_of(const mapping_info& info, char* path) {
  size_t length = 0;
  while (path[length] != '\0') ++length;
  while (length > 0) {
    const char cut = path[length];
    path[length] = '\0';
    struct stat status {};
    struct statfs file_system {};
    const bool there = !sys::failed(sys::stat(path, &status)) &&
                       device_number(status.st_dev) == info.device &&
                       !sys::failed(sys::statfs(path, &file_system));
    path[length] = cut;
    if (there) return file_system.f_type;
    do --length;
    while (length > 0 && path[length] != '/');
  }
  return 0;
}

bool is_character_device(const char* path) {
  struct stat status {};
  return !sys::failed(sys::stat(path, &status)) && S_ISCHR(status.st_mode);
}

}  // namespace

file_kind kind_of(const mapping_info& info, char* name) {
  if (info.inode == 0 && info.device == 0) return file_kind::anonymous;
  if (info.page_size > g_page_size) return file_kind::shared_memory;
  if (begins(name, "/memfd:") || begins(name, "/dev/shm/") || begins(name, "/SYSV") ||
      begins(name, "/anon_hugepage")) {
    return file_kind::shared_memory;
  }
  if (begins(name, "/dev/") && is_character_device(name)) return file_kind::device;
  // File systems in memory have no device of their own, their numbers are of major 0.
  if (info.device >> 32 != 0) return file_kind::file;
  const long type = file_system_of(info, name);
  const bool in_memory = type == TMPFS_MAGIC || type == RAMFS_MAGIC || type == HUGETLBFS_MAGIC;
  return in_memory ? file_kind::shared_memory : file_kind::file;
}

}  // namespace nosigbus::preload
