// SPDX-License-Identifier: MIT
//
// A C++ program that uses an installed nosigbus: see consumer.c.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <nosigbus/nosigbus.hpp>
#include <string>
#include <vector>

namespace {

int g_failures = 0;

void expect(bool condition, const char* what) {
  if (condition) return;
  ++g_failures;
  std::fprintf(stderr, "failed: %s\n", what);
}

void make_whole(int fd, std::size_t length) {
  const std::string content(length, 'x');
  expect(pwrite(fd, content.data(), length, 0) == static_cast<ssize_t>(length), "write");
}

void cut_off(int fd, std::size_t length) {
  expect(ftruncate(fd, static_cast<off_t>(length)) == 0, "truncate");
}

void guarded_read(int fd, std::size_t page) {
  make_whole(fd, 2 * page);
  const char* mapping = static_cast<const char*>(mmap(nullptr, 2 * page, PROT_READ, MAP_SHARED, fd, 0));
  expect(mapping != MAP_FAILED, "mmap");
  std::vector<char> copy(2 * page);
  cut_off(fd, page);
  expect(nosigbus::safe_read(copy.data(), mapping, copy.size()) == page, "the read stops at the end");
  expect(nosigbus::last_fault().cause == NOSIGBUS_MISSING, "the fault tells");
}

void region(int fd, std::size_t page) {
  make_whole(fd, 2 * page);
  auto region = nosigbus::region::map(fd, 0, 2 * page, PROT_READ);
  expect(region.has_value(), "map");
  cut_off(fd, page);
  expect(region->bytes().front() == std::byte{'x'}, "what is there is seen");
  expect(region->bytes().back() == std::byte{0}, "what is missing reads as zero");
  expect(region->status().first_bad_offset == page, "the status tells");
}

}  // namespace

int main() {
  std::FILE* const file = std::tmpfile();
  if (file == nullptr) return 2;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  expect(nosigbus::install() == 0, "install");
  guarded_read(fileno(file), page);
  region(fileno(file), page);
  return g_failures == 0 ? 0 : 1;
}
