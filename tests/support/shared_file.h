// SPDX-License-Identifier: MIT
//
// A memory file that can be cut off and grow again, and a pattern that tells each byte of it.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace test {

inline size_t page_size() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// Never 0, so that it is told from zeros that were supplied.
inline unsigned char pattern(size_t offset) {
  return static_cast<unsigned char>(1 + (offset * 0x9e3779b97f4a7c15u >> 56) % 255);
}

class shared_file {
 public:
  explicit shared_file(size_t size, unsigned memfd_flags = 0);
  ~shared_file();
  shared_file(const shared_file&) = delete;
  shared_file& operator=(const shared_file&) = delete;

  int fd() const { return fd_; }
  size_t size() const { return size_; }
  // Changes the size; what is new reads as zeros.
  void resize(size_t size);
  // Writes the pattern to all of the file.
  void draw();
  // Another mapping, unguarded. Lives as long as the process.
  unsigned char* map(size_t length, int prot = PROT_READ, int flags = MAP_SHARED, off_t offset = 0) const;

 private:
  int fd_;
  size_t size_;
};

// Mappings that have a byte in [begin, begin + length), up to 255: at one instant, whatever other threads do.
size_t count_vmas(const void* begin, size_t length);
// The same of a process that stands still.
size_t count_vmas_at_rest(const void* begin, size_t length);
// All of them, of a process that stands still.
size_t count_vmas();
size_t count_descriptors();

}  // namespace test
