// SPDX-License-Identifier: MIT
//
// What the benchmarks read and write: hot, and large enough for all of them.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace bench {

inline constexpr size_t largest = size_t{64} << 20;
inline constexpr size_t room = largest + 8192;

// A memory file of `size` bytes, mapped.
struct shared_buffer {
  int fd;
  unsigned char* data;
};
inline shared_buffer make_shared(size_t size) {
  const int fd = memfd_create("nosigbus-bench", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) abort();
  void* const data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) abort();
  memset(data, 1, size);
  return {fd, static_cast<unsigned char*>(data)};
}

// Of this process alone.
inline unsigned char* target() {
  static unsigned char* const buffer = [] {
    auto* const p = static_cast<unsigned char*>(aligned_alloc(4096, room));
    memset(p, 2, room);
    return p;
  }();
  return buffer;
}
// Shared memory.
inline unsigned char* source() {
  static unsigned char* const buffer = make_shared(room).data;
  return buffer;
}

}  // namespace bench
