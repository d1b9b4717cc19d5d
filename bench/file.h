// SPDX-License-Identifier: MIT
//
// Files that are cut off, and whole again; and their pages, read in an order.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <vector>

namespace bench {

inline constexpr size_t page = 4096;

inline void require(bool condition) {
  if (!condition) abort();
}

// Of holes.
class file {
 public:
  explicit file(size_t size) : fd_(memfd_create("nosigbus-bench", MFD_CLOEXEC)), size_(size) { make_whole(); }
  ~file() { close(fd_); }
  file(const file&) = delete;
  file& operator=(const file&) = delete;

  int fd() const { return fd_; }
  size_t size() const { return size_; }
  void cut_off() const { require(ftruncate(fd_, 0) == 0); }
  void make_whole() const { require(ftruncate(fd_, static_cast<off_t>(size_)) == 0); }
  int open_again(int flags) const {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd_);
    const int fd = open(path, flags | O_CLOEXEC);
    require(fd >= 0);
    return fd;
  }
  unsigned char* map(void* address = nullptr, int flags = 0) const {
    void* const at = mmap(address, size_, PROT_READ, MAP_SHARED | flags, fd_, 0);
    require(at != MAP_FAILED);
    return static_cast<unsigned char*>(at);
  }

 private:
  int fd_;
  size_t size_;
};

inline unsigned char peek(const void* base, size_t offset) {
  return static_cast<const volatile unsigned char*>(base)[offset];
}

using page_order = std::vector<uint32_t>;

inline page_order pages_of(size_t size) {
  page_order order(size / page);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}
inline page_order shuffled(page_order order) {
  std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  return order;
}

inline void read_pages(const void* base, const page_order& order) {
  for (const uint32_t number : order) peek(base, number * page);
}

}  // namespace bench
