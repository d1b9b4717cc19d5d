// SPDX-License-Identifier: MIT
//
// The limit of mappings (vm.max_map_count), reached. For code in children.
#pragma once

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cerrno>
#include <fstream>

#include "child.h"
#include "shared_file.h"

namespace test {

inline size_t most_mappings() {
  size_t most = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> most;
  return most;
}

// Says so where it takes too long.
inline bool map_limit_is_near() {
  const size_t most = most_mappings();
  if (most <= 200'000) return true;
  MESSAGE("skipped: vm.max_map_count is ", most, ", which takes long to reach");
  return false;
}

// As many mappings as there may be: each second page of a large room has a protection of its own.
class crowd {
 public:
  crowd()
      : pages_(most_mappings() + 2),
        room_(static_cast<char*>(mmap(nullptr, pages_ * page_size(), PROT_NONE, anonymous, -1, 0))) {
    CHILD_CHECK(room_ != MAP_FAILED);
  }
  // Some are left.
  void gather() {
    constexpr size_t left = 400;
    while (next_ + left < pages_) CHILD_CHECK(split());
  }
  void fill() {
    while (split()) {
    }
    CHILD_CHECK(errno == ENOMEM && next_ < pages_);
    for (int prot = PROT_NONE;; prot ^= PROT_READ) {
      if (mmap(nullptr, page_size(), prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) break;
    }
  }
  void leave() { CHILD_CHECK(munmap(room_, pages_ * page_size()) == 0); }

 private:
  static constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

  bool split() {
    if (mprotect(room_ + next_ * page_size(), page_size(), PROT_READ) != 0) return false;
    next_ += 2;
    return true;
  }

  const size_t pages_;
  char* const room_;
  size_t next_ = 1;
};

}  // namespace test
