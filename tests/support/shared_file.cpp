// SPDX-License-Identifier: MIT
#include "shared_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace test {

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  perror(what);
  abort();
}

// Lines of /proc/self/maps that have a byte in [low, high). Allocates nothing: runs after _Fork, too.
size_t mapped_lines(uintptr_t low, uintptr_t high) {
  static char text[size_t{1} << 20];
  const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  require(maps >= 0, "/proc/self/maps");
  size_t length = 0;
  for (ssize_t n = 1; n > 0; length += static_cast<size_t>(n)) {
    n = read(maps, text + length, sizeof text - 1 - length);
    require(n >= 0, "/proc/self/maps");
  }
  close(maps);
  require(length < sizeof text - 1, "room for /proc/self/maps");
  text[length] = 0;
  size_t count = 0;
  for (const char* line = text; *line != 0; line = strchr(line, '\n') + 1) {
    char* end = nullptr;
    const uintptr_t from = strtoul(line, &end, 16), to = strtoul(end + 1, nullptr, 16);
    if (from < high && to > low) ++count;
  }
  return count;
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
  // Other threads change the mappings while the kernel lists them, and lines are then counted twice. A copy
  // of the process has them as they were at one instant; _Fork runs no handlers of fork.
  const pid_t child = _Fork();
  require(child >= 0, "_Fork");
  if (child == 0) _exit(static_cast<int>(count_vmas_at_rest(begin, length)));
  int status = 0;
  require(waitpid(child, &status, 0) == child && WIFEXITED(status), "waitpid");
  return static_cast<size_t>(WEXITSTATUS(status));
}

size_t count_vmas_at_rest(const void* begin, size_t length) {
  const uintptr_t low = reinterpret_cast<uintptr_t>(begin);
  return mapped_lines(low, low + length);
}

size_t count_vmas() {
  // A sanitizer's allocator maps memory whenever it likes: there is nothing to compare.
  return NOSIGBUS_TEST_SANITIZED ? 0 : mapped_lines(0, UINTPTR_MAX);
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
