// SPDX-License-Identifier: MIT
//
// A root without /proc and /dev.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace test {

// Shuts the process up in an empty folder, which is gone from the file system afterwards. False where that
// cannot be done: not root, and no user namespace to be had.
inline bool enter_empty_root() {
  char name[] = "./nosigbus-empty-XXXXXX";
  if (mkdtemp(name) == nullptr) return false;
  const int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) return false;
  if (chroot(name) != 0) return false;
  // From where it can be removed yet.
  if (unlinkat(before, name, AT_REMOVEDIR) != 0) return false;
  close(before);
  return chdir("/") == 0 && access("/proc/self/maps", R_OK) != 0 && access("/dev/zero", R_OK) != 0;
}

}  // namespace test
