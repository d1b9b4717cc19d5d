// SPDX-License-Identifier: MIT
//
// What a program maps that is below the drop-in, for scenarios. For code in children.
#pragma once

#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "scenario.h"
#include "support/child.h"
#include "support/shared_file.h"

namespace test {

inline constexpr size_t pages = 4;

// A mapping of a file that is cut off behind its first page, as a program has it that knows nothing of us.
class program_mapping {
 public:
  explicit program_mapping(bool damaged = true) {
    file_.resize(damaged ? page_size() : length());
    if (damaged) CHILD_CHECK(touch_missing() == touch_right);
  }
  ~program_mapping() {
    munmap(begin, length());
    if (elsewhere != nullptr) munmap(elsewhere, length());
  }
  program_mapping(const program_mapping&) = delete;
  program_mapping& operator=(const program_mapping&) = delete;

  static size_t length() { return pages * page_size(); }
  void cut_off(size_t left = 1) { file_.resize(left * page_size()); }
  int touch_missing() const { return touch(begin + 2 * page_size(), 0); }
  void grow_back() {
    file_.resize(length());
    file_.draw();
  }
  ino_t inode() const {
    struct stat status {};
    CHILD_CHECK(fstat(file_.fd(), &status) == 0);
    return status.st_ino;
  }
  bool is_whole() const { return touch(begin + 2 * page_size(), pattern(2 * page_size())) == touch_right; }
  bool front_is_right(const stage& on) const {
    return touch(begin, pattern(0)) == touch_right ||
           (on.mappings_failed() && touch(begin, 0) == touch_right);
  }

 private:
  shared_file file_{length()};

 public:
  unsigned char* begin = file_.map(length(), PROT_READ | PROT_WRITE);
  unsigned char* elsewhere = nullptr;
};

// By the vDSO, without a system call.
template <class Condition>
bool holds_within(long milliseconds, Condition condition) {
  const auto now = [] {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000 + time.tv_nsec / 1'000'000;
  };
  for (const long begun = now(); now() - begun < milliseconds;) {
    if (condition()) return true;
  }
  return false;
}

}  // namespace test
