// SPDX-License-Identifier: MIT
//
// Readers of a file that another process truncates and grows all the time. For code in children.
#pragma once

#include <nosigbus/copy.h>

#include <atomic>
#include <cstring>
#include <random>
#include <vector>

#include "../support/hostile.h"
#include "../support/make_region.h"

namespace storms {

// Two regions over the file, and a mapping of it that nothing guards.
class contest {
 public:
  static constexpr size_t pages = 32;
  static constexpr size_t kept_pages = 4;  // never truncated: each byte of them is right at any time

  // without_fd: how the second region is to find back to its file.
  explicit contest(bool without_fd)
      : size_(pages * test::page_size()),
        kept_(kept_pages * test::page_size()),
        file_(size_),
        mapped_(test::make_region(test::origin::mapped, file_, size_)),
        adopted_(test::make_region(
            without_fd ? test::origin::adopted_without_fd : test::origin::adopted_with_fd, file_, size_)),
        unguarded_(file_.map(size_)),
        hostile_(file_, kept_, 16) {}

  // What one thread does for a while. Returns wrong bytes.
  uint64_t read(std::mt19937_64& random, std::vector<unsigned char>& buffer) {
    buffer.resize(size_);
    return read_regions(random) + copy_unguarded(random, buffer);
  }

  std::array<const nosigbus::region*, 2> regions() const { return {&mapped_, &adopted_}; }

  // Nobody reads. The other side stands still, and all is whole.
  void rest() {
    hostile_.pause();
    file_.resize(size_);
    CHILD_CHECK(mapped_.refresh() == 1);
    CHILD_CHECK(adopted_.refresh() == 1);
  }
  void go_on() { hostile_.resume(); }

 private:
  bool right(unsigned char byte, size_t offset) const {
    return byte == test::pattern(offset) || (byte == 0 && offset >= kept_);
  }
  // Touches the regions as code does that knows nothing of nosigbus, and lets them heal.
  uint64_t read_regions(std::mt19937_64& random) {
    uint64_t wrong = 0;
    for (nosigbus::region* const region : {&mapped_, &adopted_}) {
      for (int i = 0; i < 8; ++i) {
        const size_t offset = random() % size_;
        wrong += !right(test::peek(*region, offset), offset);
      }
      if (region->status().overlaid) region->refresh();
    }
    return wrong;
  }
  uint64_t copy_unguarded(std::mt19937_64& random, std::vector<unsigned char>& buffer) const {
    uint64_t wrong = 0;
    for (int i = 0; i < 8; ++i) {
      const size_t offset = random() % size_, n = random() % (size_ - offset);
      memset(buffer.data(), 0xee, n);
      const size_t copied = nosigbus_safe_read(buffer.data(), unguarded_ + offset, n);
      for (size_t at = 0; at < n; at += 1 + random() % 300) {
        wrong += at < copied ? !right(buffer[at], offset + at) : buffer[at] != 0;
      }
      const uintptr_t bad = reinterpret_cast<uintptr_t>(unguarded_) + offset + copied;
      wrong += copied < n && nosigbus_last_fault()->address != bad;
    }
    return wrong;
  }

  const size_t size_, kept_;
  test::shared_file file_;
  nosigbus::region mapped_, adopted_;
  const unsigned char* const unguarded_;
  const test::hostile_process hostile_;
};

}  // namespace storms
