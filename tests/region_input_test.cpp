// SPDX-License-Identifier: MIT
//
// Bad input to region functions: a documented error, nothing changed.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>

#include "support/child.h"
#include "support/shared_file.h"

using namespace test;

namespace {

const size_t page = page_size();
nosigbus_region* const untouched = reinterpret_cast<nosigbus_region*>(0x5a5a);

// Expects an error, and that nothing has changed.
void refuses_to_map(int error, int fd, off_t offset, size_t length, int prot = PROT_READ,
                    unsigned flags = 0) {
  CAPTURE(offset);
  CAPTURE(length);
  nosigbus_region* region = untouched;
  const size_t vmas = count_vmas(), descriptors = count_descriptors();
  CHECK(nosigbus_map(&region, fd, offset, length, prot, flags) == error);
  CHECK(region == untouched);
  CHECK(count_vmas() == vmas);
  CHECK(count_descriptors() == descriptors);
}

void refuses_to_adopt(int error, void* address, size_t length, int fd = -1, unsigned flags = 0) {
  CAPTURE(address);
  CAPTURE(length);
  nosigbus_region* region = untouched;
  const size_t descriptors = count_descriptors();
  CHECK(nosigbus_adopt(&region, address, length, fd, flags) == error);
  CHECK(region == untouched);
  CHECK(count_descriptors() == descriptors);
}

uint64_t live_regions() {
  struct nosigbus_stats stats;
  REQUIRE(nosigbus_stats(&stats, sizeof stats) == 0);
  return stats.regions;
}

}  // namespace

TEST_CASE("map refuses bad numbers") {
  const shared_file file(4 * page);
  const off_t p = static_cast<off_t>(page);
  CHECK(nosigbus_map(nullptr, file.fd(), 0, page, PROT_READ, 0) == -EINVAL);
  refuses_to_map(-EINVAL, file.fd(), 0, 0);
  refuses_to_map(-EINVAL, file.fd(), 1, page);
  refuses_to_map(-EINVAL, file.fd(), p + p / 2, page);
  refuses_to_map(-EINVAL, file.fd(), -p, page);
  refuses_to_map(-EINVAL, file.fd(), INT64_MIN, page);
  refuses_to_map(-EOVERFLOW, file.fd(), 0, SIZE_MAX);
  refuses_to_map(-EOVERFLOW, file.fd(), 0, SIZE_MAX - page + 1);
  refuses_to_map(-EOVERFLOW, file.fd(), p, static_cast<size_t>(INT64_MAX));
  refuses_to_map(-EOVERFLOW, file.fd(), INT64_MAX & -p, 2 * page);
  refuses_to_map(-ENOMEM, file.fd(), 0, static_cast<size_t>(INT64_MAX) & ~(page - 1));
  refuses_to_map(-EINVAL, file.fd(), 0, page, 0x1000);
  refuses_to_map(-EINVAL, file.fd(), 0, page, PROT_READ | PROT_GROWSDOWN);
  for (unsigned bit = 0; bit < 32; ++bit) {
    if ((1u << bit) > NOSIGBUS_PRIVATE) refuses_to_map(-EINVAL, file.fd(), 0, page, PROT_READ, 1u << bit);
  }
}

TEST_CASE("map refuses descriptors that cannot be mapped") {
  const shared_file file(page);
  refuses_to_map(-EBADF, -1, 0, page);
  refuses_to_map(-EBADF, INT32_MIN, 0, page);
  refuses_to_map(-EBADF, 9999, 0, page);

  int ends[2];
  REQUIRE(pipe(ends) == 0);
  refuses_to_map(-ENODEV, ends[0], 0, page);
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  refuses_to_map(-ENODEV, ends[0], 0, page);
  const int directory = open("/", O_RDONLY | O_DIRECTORY);
  refuses_to_map(-ENODEV, directory, 0, page);
  const int path_only = open("/proc/self/exe", O_PATH);
  refuses_to_map(-EBADF, path_only, 0, page);

  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", file.fd());
  const int write_only = open(name, O_WRONLY);
  REQUIRE(write_only >= 0);
  refuses_to_map(-EACCES, write_only, 0, page);
  refuses_to_map(-EACCES, write_only, 0, page, PROT_WRITE);
  const int read_only = open(name, O_RDONLY);
  refuses_to_map(-EACCES, read_only, 0, page, PROT_READ | PROT_WRITE);
  nosigbus_region* region;
  CHECK(nosigbus_map(&region, read_only, 0, page, PROT_READ | PROT_WRITE, NOSIGBUS_PRIVATE) == 0);
  CHECK(nosigbus_region_release(region) == 0);
}

TEST_CASE("adopt refuses ranges that are no mapping") {
  const shared_file file(4 * page);
  unsigned char* const data = file.map(4 * page);
  CHECK(nosigbus_adopt(nullptr, data, page, -1, 0) == -EINVAL);
  refuses_to_adopt(-EINVAL, nullptr, page);
  refuses_to_adopt(-EINVAL, data, 0);
  refuses_to_adopt(-EINVAL, data + 1, page);
  refuses_to_adopt(-EINVAL, data, SIZE_MAX);
  refuses_to_adopt(-EINVAL, data, SIZE_MAX - reinterpret_cast<uintptr_t>(data) + 1);
  refuses_to_adopt(-EINVAL, data, page, file.fd(), NOSIGBUS_PRIVATE);
  refuses_to_adopt(-EINVAL, data, page, -1, NOSIGBUS_CLIP);
  refuses_to_adopt(-EINVAL, data, page, -1, 0x80000000u);
  refuses_to_adopt(-EBADF, data, page, 9999);
  refuses_to_adopt(-EBADF, data, page, -2);

  munmap(data + page, page);
  refuses_to_adopt(-ENOMEM, data, 4 * page);
  refuses_to_adopt(-ENOMEM, data + page, page);
  refuses_to_adopt(-ENOMEM, data, page + 1);
  nosigbus_region* region;
  CHECK(nosigbus_adopt(&region, data, page, -1, 0) == 0);
  CHECK(nosigbus_region_release(region) == 0);
}

TEST_CASE("adopt refuses what a region has already") {
  const shared_file file(8 * page);
  unsigned char* const data = file.map(8 * page);
  nosigbus_region* region;
  REQUIRE(nosigbus_adopt(&region, data + 2 * page, 4 * page, -1, 0) == 0);
  refuses_to_adopt(-EEXIST, data, 8 * page);
  refuses_to_adopt(-EEXIST, data, 3 * page);
  refuses_to_adopt(-EEXIST, data + 3 * page, page);
  refuses_to_adopt(-EEXIST, data + 5 * page, 3 * page);
  refuses_to_adopt(-EEXIST, data + 2 * page, 4 * page);
  nosigbus_region* neighbour;
  CHECK(nosigbus_adopt(&neighbour, data, 2 * page, -1, 0) == 0);
  CHECK(nosigbus_region_release(neighbour) == 0);
  CHECK(nosigbus_region_release(region) == 0);
  CHECK(nosigbus_adopt(&region, data, 8 * page, -1, 0) == 0);
  CHECK(nosigbus_region_release(region) == 0);
}

TEST_CASE("functions on no region") {
  struct nosigbus_region_status status;
  CHECK(nosigbus_region_data(nullptr) == nullptr);
  CHECK(nosigbus_region_size(nullptr) == 0);
  CHECK(nosigbus_region_status(nullptr, &status, sizeof status) == -EINVAL);
  CHECK(nosigbus_region_refresh(nullptr) == -EINVAL);
  CHECK(nosigbus_region_release(nullptr) == -EINVAL);
}

TEST_CASE("a region that was released is refused, or ends the process where that is looked for") {
  CHECK(in_child([] {
          const shared_file file(page);
          nosigbus_region* region;
          CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, page, PROT_READ, 0) == 0);
          CHILD_CHECK(live_regions() == 1);
          CHILD_CHECK(nosigbus_region_release(region) == 0);
          CHILD_CHECK(live_regions() == 0);
          for (int i = 0; i < 10; ++i) {
            nosigbus_region* other;
            CHILD_CHECK(nosigbus_map(&other, file.fd(), 0, page, PROT_READ, 0) == 0);
            CHILD_CHECK(nosigbus_region_release(other) == 0);
          }
          CHILD_CHECK(nosigbus_region_release(region) == -EINVAL);
          CHILD_CHECK(nosigbus_region_refresh(region) == -EINVAL);
          CHILD_CHECK(nosigbus_region_data(region) == nullptr);
          CHILD_CHECK(live_regions() == 0);
          return 0;
        }) == (NOSIGBUS_TEST_CHECKS ? killed_by(SIGABRT) : exited(0)));
}

TEST_CASE("sizes are as asked, not as mapped") {
  const shared_file file(4 * page);
  for (const size_t size : {size_t{1}, page - 1, page, page + 1, 3 * page + 7}) {
    nosigbus_region* region;
    REQUIRE(nosigbus_map(&region, file.fd(), 0, size, PROT_READ, 0) == 0);
    CHECK(nosigbus_region_size(region) == size);
    CHECK(memcmp(nosigbus_region_data(region), file.map(4 * page), size) == 0);
    CHECK(nosigbus_region_release(region) == 0);
  }
}

TEST_CASE("status writes what the caller has room for") {
  const shared_file file(4 * page);
  nosigbus_region* region;
  REQUIRE(nosigbus_map(&region, file.fd(), 0, page, PROT_READ, 0) == 0);
  struct {
    struct nosigbus_region_status status;
    unsigned char behind[64];
  } out;
  memset(&out, 0xa5, sizeof out);
  CHECK(nosigbus_region_status(region, nullptr, sizeof out.status) == -EINVAL);
  CHECK(nosigbus_region_status(region, &out.status, 0) == -EINVAL);
  CHECK(out.behind[0] == 0xa5);
  CHECK(nosigbus_region_status(region, &out.status, 8) == 0);
  CHECK(out.status.faults == 0);
  CHECK(out.status.generation == 0xa5a5a5a5a5a5a5a5);
  CHECK(nosigbus_region_status(region, &out.status, sizeof out.status + 32) == 0);
  CHECK(out.status.file_size == 4 * page);
  CHECK(out.behind[0] == 0);
  CHECK(out.behind[31] == 0);
  CHECK(out.behind[32] == 0xa5);
  CHECK(nosigbus_region_release(region) == 0);
}
