// SPDX-License-Identifier: MIT
#include "shared_file.h"

#include <dirent.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace test {

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  perror(what);
  abort();
}

}  // namespace

shared_file::shared_file(size_t size, unsigned memfd_flags)
    : fd_(memfd_create("nosigbus-test", MFD_CLOEXEC | memfd_flags)), size_(0) {
  require(fd_ >= 0, "memfd_create");
  resize(size);
  draw();
}

shared_file::~shared_file() { close(fd_); }

void shared_file::resize(size_t size) {
  require(ftruncate(fd_, static_cast<off_t>(size)) == 0, "ftruncate");
  size_ = size;
}

void shared_file::draw() {
  constexpr size_t piece = size_t{1} << 20;
  std::vector<unsigned char> bytes(piece < size_ ? piece : size_);
  for (size_t at = 0; at < size_; at += bytes.size()) {
    const size_t n = size_ - at < bytes.size() ? size_ - at : bytes.size();
    for (size_t i = 0; i < n; ++i) bytes[i] = pattern(at + i);
    require(pwrite(fd_, bytes.data(), n, static_cast<off_t>(at)) == static_cast<ssize_t>(n), "pwrite");
  }
}

unsigned char* shared_file::map(size_t length, int prot, int flags, off_t offset) const {
  void* const address = mmap(nullptr, length, prot, flags, fd_, offset);
  require(address != MAP_FAILED, "mmap");
  return static_cast<unsigned char*>(address);
}

size_t count_vmas(const void* begin, size_t length) {
  FILE* const maps = fopen("/proc/self/maps", "re");
  require(maps != nullptr, "/proc/self/maps");
  const uintptr_t low = reinterpret_cast<uintptr_t>(begin), high = low + length;
  char line[8192];
  size_t count = 0;
  while (fgets(line, sizeof line, maps) != nullptr) {
    unsigned long from = 0, to = 0;
    if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from < high && to > low) ++count;
  }
  fclose(maps);
  return count;
}

size_t count_vmas() {
  // A sanitizer's allocator maps memory whenever it likes: there is nothing to compare.
  if (NOSIGBUS_TEST_SANITIZED) return 0;
  return count_vmas(nullptr, UINTPTR_MAX);
}

size_t count_descriptors() {
  DIR* const dir = opendir("/proc/self/fd");
  require(dir != nullptr, "/proc/self/fd");
  size_t count = 0;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

}  // namespace test
