// SPDX-License-Identifier: MIT
//
// map_loop SIZE COUNT [damaged]: maps a file of SIZE bytes, reads a byte of each page, and unmaps it, COUNT
// times; prints how long that took each time, in nanoseconds. damaged: while another mapping is missing its
// pages, which only a protected program survives.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr size_t page = 4096;

// With all its pages in memory.
int make_file(size_t size) {
  const int fd = memfd_create("map_loop", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) exit(1);
  for (size_t at = 0; at < size; at += page) {
    if (pwrite(fd, "x", 1, static_cast<off_t>(at)) != 1) exit(1);
  }
  return fd;
}

const volatile char* map(int fd, size_t size) {
  void* const mapped = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) exit(1);
  return static_cast<const volatile char*>(mapped);
}

void map_and_touch(int fd, size_t size) {
  const volatile char* const bytes = map(fd, size);
  for (size_t at = 0; at < size; at += page) static_cast<void>(bytes[at]);
  munmap(const_cast<char*>(bytes), size);
}

void damage() {
  const int fd = make_file(page);
  const volatile char* const bytes = map(fd, page);
  if (ftruncate(fd, 0) != 0) exit(1);
  static_cast<void>(bytes[0]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const size_t size = strtoul(argv[1], nullptr, 10);
  const long count = atol(argv[2]);
  const int fd = make_file(size);
  if (argc > 3) damage();
  map_and_touch(fd, size);
  const auto begin = std::chrono::steady_clock::now();
  for (long i = 0; i < count; ++i) map_and_touch(fd, size);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
  printf("%.1f\n", took.count() / static_cast<double>(count));
}
