// SPDX-License-Identifier: MIT
//
// A tmpfs that can be full, where even a read of a hole is an I/O error. For code in children: it is mounted
// in a mount namespace of the child's own, and goes with it.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "child.h"
#include "shared_file.h"

namespace test {

class small_filesystem {
 public:
  // place: a folder, over which it is mounted.
  explicit small_filesystem(size_t pages, const char* place = "/tmp") : place_(place) {
    CHILD_CHECK(enter_namespace());
    CHILD_CHECK(mount("none", place_, "tmpfs", 0, size_option(pages).c_str()) == 0);
  }

  // A file without a name, which is gone with its last descriptor and mapping.
  int create() const {
    const int fd = open(place_, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    CHILD_CHECK(fd >= 0);
    return fd;
  }
  // Takes all pages that are left, into a file that can give some back.
  void fill() {
    if (ballast_ < 0) ballast_ = create();
    const std::vector<char> bytes(page_size(), 7);
    lseek(ballast_, 0, SEEK_END);
    while (write(ballast_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) {
    }
  }
  void give_back(size_t pages) {
    CHILD_CHECK(ftruncate(ballast_, lseek(ballast_, 0, SEEK_END) - static_cast<off_t>(pages * page_size())) ==
                0);
  }
  void give_back_all() { CHILD_CHECK(ftruncate(ballast_, 0) == 0); }
  void grow(size_t pages) {
    CHILD_CHECK(mount("none", place_, "tmpfs", MS_REMOUNT, size_option(pages).c_str()) == 0);
  }

 private:
  static std::string size_option(size_t pages) { return "size=" + std::to_string(pages * page_size()); }
  // As root, or in a user namespace where we are.
  static bool enter_namespace() {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }

  const char* place_;
  int ballast_ = -1;
};

inline bool file_systems_can_be_mounted(const char* place = "/tmp") {
  return in_child([place] {
           small_filesystem probe(16, place);
           return 0;
         }) == exited(0);
}

inline void write_pattern(int fd, size_t begin, size_t end) {
  std::vector<unsigned char> bytes(end - begin);
  for (size_t i = begin; i < end; ++i) bytes[i - begin] = pattern(i);
  CHILD_CHECK(pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(begin)) ==
              static_cast<ssize_t>(bytes.size()));
}

inline size_t allocated_pages(int fd) {
  struct stat status {};
  CHILD_CHECK(fstat(fd, &status) == 0);
  return static_cast<size_t>(status.st_blocks) * 512 / page_size();
}

}  // namespace test
