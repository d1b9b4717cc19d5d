// SPDX-License-Identifier: MIT
#include "buffer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weston_test {

namespace {

[[noreturn]] void give_up(const char* what) { throw impossible(std::string(what) + ": " + strerror(errno)); }

}  // namespace

file file::anonymous(int64_t size, unsigned flags) {
  file result(memfd_create("buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags));
  if (result.descriptor_ < 0) give_up("memfd_create");
  result.truncate(size);
  return result;
}

file::~file() {
  if (descriptor_ >= 0) close(descriptor_);
}

void file::truncate(int64_t size) const {
  if (ftruncate(descriptor_, size) != 0) give_up("ftruncate");
}

void file::seal(int seals) const {
  if (fcntl(descriptor_, F_ADD_SEALS, seals) != 0) give_up("F_ADD_SEALS");
}

void file::fill(int64_t size, uint32_t colour) const {
  // Huge pages cannot be written to with write().
  void* data = mmap(nullptr, static_cast<size_t>(size), PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (data == MAP_FAILED) give_up("mmap");
  std::fill_n(static_cast<uint32_t*>(data), size / bytes_per_pixel, colour);
  munmap(data, static_cast<size_t>(size));
}

}  // namespace weston_test
