// SPDX-License-Identifier: MIT
//
// What a region costs to make and release, beside others.
#include <fcntl.h>
#include <nosigbus/region.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "buffers.h"
#include "pairs.h"

namespace {

constexpr size_t page = 4096;
constexpr size_t measured = size_t{8} << 20;  // a window of 1080p

int sparse_file(size_t size) {
  const int fd = memfd_create("nosigbus-bench", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) abort();
  return fd;
}

// Regions of a page each, all in one mapping: a process has no more than 65,530 mappings by default.
class crowd {
 public:
  explicit crowd(size_t count) : size_(count * page), regions_(count) {
    const int fd = sparse_file(size_);
    base_ = static_cast<unsigned char*>(mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0));
    close(fd);
    if (base_ == MAP_FAILED) abort();
    for (size_t i = 0; i < count; ++i) {
      if (nosigbus_adopt(&regions_[i], base_ + i * page, page, -1, 0) != 0) abort();
      show_progress(i);
    }
  }
  ~crowd() {
    for (nosigbus_region* const region : regions_) nosigbus_region_release(region);
    munmap(base_, size_);
  }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;

 private:
  static void show_progress(size_t done) {
    constexpr size_t step = 100000;
    if ((done + 1) % step == 0) fprintf(stderr, "%zu regions made\n", done + 1);
  }

  size_t size_;
  unsigned char* base_;
  std::vector<nosigbus_region*> regions_;
};

std::unique_ptr<crowd> g_crowd;

bench::stage beside(size_t count) {
  return {[count] { g_crowd = std::make_unique<crowd>(count); }, [] { g_crowd.reset(); }};
}

void make_and_release(int fd) {
  nosigbus_region* region;
  if (nosigbus_map(&region, fd, 0, measured, PROT_READ, 0) != 0) abort();
  nosigbus_region_release(region);
}

// fstat: who maps a file that is not its own has to know how large it is.
void map_and_unmap(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) abort();
  void* const address = mmap(nullptr, measured, PROT_READ, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) abort();
  munmap(address, measured);
}

void add_beside(size_t count, double goal, const bench::stage& on) {
  static const int fd = sparse_file(measured);
  bench::add({"map + release beside " + std::to_string(count) + (count == 1 ? " region" : " regions"),
              bench::loop([] { make_and_release(fd); }), "fstat + mmap + munmap",
              bench::loop([] { map_and_unmap(fd); }), goal, "", bench::clock::around, &on});
}

const bool g_added = [] {
  static const bench::stage one = beside(1), thousand = beside(1000), million = beside(1000000);
  add_beside(1, 0.67, one);
  add_beside(1000, 0.67, thousand);
  add_beside(1000000, 0.5, million);
  return true;
}();

}  // namespace
