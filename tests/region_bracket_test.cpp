// SPDX-License-Identifier: MIT
//
// Brackets around reads, and pages brought in ahead of system calls.
#include <cerrno>
#include <vector>

#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();

ssize_t write_to_pipe(const void* from, size_t n) {
  int ends[2];
  CHILD_CHECK(pipe(ends) == 0);
  const ssize_t result = write(ends[1], from, n);
  const int error = errno;
  close(ends[0]);
  close(ends[1]);
  return result < 0 ? -error : result;
}

// By what the header inlines and by the library's functions; a value of either serves the other.
uint64_t begin_read(const nosigbus::region& region) {
  const uint64_t begun = region.begin_read();
  CHILD_CHECK((nosigbus_region_begin)(region.get()) == begun);
  return begun;
}
bool end_read(const nosigbus::region& region, uint64_t begun) {
  const bool whole = region.end_read(begun);
  CHILD_CHECK((nosigbus_region_end)(region.get(), begun) == (whole ? 0 : -EFAULT));
  return whole;
}

}  // namespace

TEST_CASE("a bracket tells whether all that was read was the file's") {
  with_each_healing_region([](origin from) {
    shared_file file(4 * page);
    nosigbus::region region = make_region(from, file, 4 * page);
    const uint64_t outer = begin_read(region);
    const uint64_t first = begin_read(region);
    CHILD_CHECK(is_pattern(region, 0, 4 * page));
    CHILD_CHECK(end_read(region, first));

    file.resize(page);
    const uint64_t second = begin_read(region);
    CHILD_CHECK(end_read(region, second));  // nothing was read yet
    CHILD_CHECK(peek(region, 2 * page) == 0);
    CHILD_CHECK(!end_read(region, second));
    CHILD_CHECK(!end_read(region, begin_read(region)));

    // Healed in between: it was not whole all the same.
    const uint64_t third = begin_read(region);
    file.resize(4 * page);
    CHILD_CHECK(region.refresh() == 1);
    CHILD_CHECK(!end_read(region, third));
    CHILD_CHECK(!end_read(region, outer));
    const uint64_t fourth = begin_read(region);
    CHILD_CHECK(peek(region, 0) == pattern(0));
    CHILD_CHECK(end_read(region, fourth));
  });
}

TEST_CASE("a bracket tells of each place where the region is or was") {
  with_each_healing_region([](origin from) {
    shared_file file(64 * page);
    nosigbus::region region = make_region(from, file, page);
    const volatile unsigned char* const before = static_cast<unsigned char*>(region.data());
    mmap(const_cast<unsigned char*>(before) + page, page, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHILD_CHECK(region.resize(64 * page) == 0);
    CHILD_CHECK(region.data() != before);
    const uint64_t begun = begin_read(region);
    CHILD_CHECK((begun & 1) == 0);
    CHILD_CHECK(before[0] == pattern(0));
    CHILD_CHECK(end_read(region, begun));
    file.resize(0);
    CHILD_CHECK(before[0] == 0);
    CHILD_CHECK(!end_read(region, begun));
    file.resize(64 * page);
    CHILD_CHECK(region.refresh() == 1);
    CHILD_CHECK(end_read(region, begin_read(region)));
    CHILD_CHECK(!end_read(region, begun));
  });
}

TEST_CASE("after prefault a system call reads what the file has, and zeros") {
  with_each_region([](origin from) {
    shared_file file(8 * page);
    nosigbus::region region = make_region(from, file, 8 * page);
    CHILD_CHECK(region.prefault(0, 8 * page) == 0);
    CHILD_CHECK(!region.status().overlaid);
    file.resize(3 * page);
    const char* const data = static_cast<const char*>(region.data());
    CHILD_CHECK(write_to_pipe(data + 3 * page, page) == -EFAULT);
    CHILD_CHECK(region.prefault(2 * page + 7, 2 * page) == 0);
    CHILD_CHECK(write_to_pipe(data + 2 * page, 2 * page) == static_cast<ssize_t>(2 * page));
    CHILD_CHECK(region.status().overlaid);
    CHILD_CHECK(region.status().cause == NOSIGBUS_EOF);
    CHILD_CHECK(is_pattern(region, 0, 3 * page));
    CHILD_CHECK(is_zero(region, 3 * page, 8 * page));
  });
}

TEST_CASE("prefault takes what is within the region") {
  CHECK(in_child([] {
          shared_file file(page);
          nosigbus::region region = make_region(origin::mapped, file, page + 1);
          CHILD_CHECK(region.prefault(0, 0) == 0);
          CHILD_CHECK(region.prefault(page + 1, 0) == 0);
          CHILD_CHECK(region.prefault(page, 1) == 0);
          CHILD_CHECK(region.prefault(page + 2, 0) == -EINVAL);
          CHILD_CHECK(region.prefault(page, 2) == -EINVAL);
          CHILD_CHECK(region.prefault(1, SIZE_MAX) == -EINVAL);
          CHILD_CHECK(nosigbus_region_prefault(nullptr, 0, 0) == -EINVAL);
          return 0;
        }) == exited(0));
}

TEST_CASE("prefault absorbs no more than a fault") {
  CHECK(in_child([] {
          shared_file file(page);
          nosigbus::region forbidden = make_region(origin::mapped, file, page, PROT_NONE);
          CHILD_CHECK(forbidden.prefault(0, page) == -EFAULT);
          return 0;
        }) == exited(0));
}
