// SPDX-License-Identifier: MIT
//
// Regions over files with holes on a full file system: a read of a hole is an I/O error there, and pages
// behind it may be live.
#include <nosigbus/copy.h>

#include <cerrno>
#include <random>

#include "support/no_qemu.h"
#include "support/refusal.h"
#include "support/region_fixture.h"
#include "support/small_filesystem.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr size_t most_vmas = 8;

nosigbus::region map_region(int fd, size_t length, int prot, unsigned flags) {
  auto result = nosigbus::region::map(fd, 0, length, prot, flags);
  CHILD_CHECK(result);
  return *std::move(result);
}

// Runs body(file system) by each entry; it is to end as `expected`.
template <class Body>
void on_small_filesystem(Body body, outcome expected = exited(0)) {
  if (!file_systems_can_be_mounted()) {
    MESSAGE("skipped: file systems cannot be mounted here");
    return;
  }
  for (const entry how : entries) {
    CAPTURE(static_cast<int>(how));
    CHECK(in_child([&] {
            small_filesystem files(256);
            enter_by(how);
            body(files);
            return 0;
          }) == expected);
  }
}

// A file of `pages` pages, of which those that has_page(i) says are written and the others are holes.
template <class HasPage>
int file_with_holes(const small_filesystem& files, size_t pages, HasPage has_page) {
  const int fd = files.create();
  CHILD_CHECK(ftruncate(fd, static_cast<off_t>(pages * page)) == 0);
  for (size_t i = 0; i < pages; ++i) {
    if (has_page(i)) write_pattern(fd, i * page, (i + 1) * page);
  }
  return fd;
}

bool is_page_of_file(const nosigbus::region& region, size_t i) {
  return is_pattern(region, i * page, (i + 1) * page);
}

}  // namespace

TEST_CASE("a hole on a full file system kills by default") {
  on_small_filesystem(
      [](small_filesystem& files) {
        const int fd = file_with_holes(files, 32, [](size_t i) { return i != 5; });
        files.fill();
        const nosigbus::region region = map_region(fd, 32 * page, PROT_READ, 0);
        peek(region, 5 * page);
      },
      killed_by(SIGBUS));
}

TEST_CASE("a hole that is absorbed is reported as I/O error, and its neighbours stay live") {
  on_small_filesystem([](small_filesystem& files) {
    const int fd = file_with_holes(files, 32, [](size_t i) { return i != 5; });
    files.fill();
    const nosigbus::region region = map_region(fd, 32 * page, PROT_READ, NOSIGBUS_ABSORB_IO);
    CHILD_CHECK(is_zero(region, 5 * page, 6 * page));
    CHILD_CHECK(is_page_of_file(region, 4) && is_page_of_file(region, 6));
    CHILD_CHECK(region.status().cause == NOSIGBUS_IO);
    CHILD_CHECK(region.status().first_bad_offset == 5 * page);
  });
}

TEST_CASE("however many holes are touched in whatever order, mappings are few") {
  on_small_filesystem([](small_filesystem& files) {
    const size_t pages = 25600;
    const int fd = file_with_holes(files, pages, [](size_t i) { return i % 97 == 1 && i < 9700; });
    files.fill();
    for (const bool discards : {false, true}) {
      const nosigbus::region region =
          map_region(fd, pages * page, discards ? PROT_READ | PROT_WRITE : PROT_READ,
                     NOSIGBUS_ABSORB_IO | (discards ? NOSIGBUS_DISCARD_WRITES : 0u));
      std::mt19937 random(7);
      for (int i = 0; i < 2000; ++i) {
        const size_t offset = random() % pages * page + random() % page;
        if (discards && random() % 2 == 0) {
          poke(region, offset, 1);
        } else {
          peek(region, offset);
        }
        if (i % 20 == 0) CHILD_CHECK(vmas_in(region) <= most_vmas);
      }
      CHILD_CHECK(vmas_in(region) <= most_vmas);
    }
  });
}

TEST_CASE("refresh looks at few holes: each look allocates one") {
  on_small_filesystem([](small_filesystem& files) {
    const size_t pages = 25600;
    const int fd = file_with_holes(files, pages, [](size_t) { return false; });
    files.fill();
    nosigbus::region region = map_region(fd, pages * page, PROT_READ, NOSIGBUS_ABSORB_IO);
    for (const size_t i : {size_t{0}, pages / 9, pages / 5, pages - 1}) peek(region, i * page);
    CHILD_CHECK(region.status().overlaid);
    const size_t before = allocated_pages(fd);
    files.grow(2 * pages);
    CHILD_CHECK(region.refresh() == 1);
    CHILD_CHECK(allocated_pages(fd) - before <= 64);
  });
}

TEST_CASE("what is healed in part is a change, and each overlay keeps its cause") {
  on_small_filesystem([](small_filesystem& files) {
    const int fd = file_with_holes(files, 32, [](size_t i) { return i != 2 && i != 5; });
    files.fill();
    nosigbus::region region = map_region(fd, 32 * page, PROT_READ, NOSIGBUS_ABSORB_IO);
    peek(region, 2 * page);
    peek(region, 5 * page);
    const auto two = region.status();
    files.give_back(1);
    write_pattern(fd, 2 * page, 3 * page);
    CHILD_CHECK(region.refresh() == 0);
    CHILD_CHECK(is_page_of_file(region, 2));
    CHILD_CHECK(is_zero(region, 5 * page, 6 * page));
    CHILD_CHECK(region.status().generation != two.generation);
    CHILD_CHECK(region.status().generation % 2 == 1);

    CHILD_CHECK(ftruncate(fd, static_cast<off_t>(16 * page)) == 0);
    CHILD_CHECK(peek(region, 20 * page) == 0);
    char bytes[16];
    CHILD_CHECK(nosigbus_safe_read(bytes, static_cast<char*>(region.data()) + 5 * page, 16) == 16);
    CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_IO);
    CHILD_CHECK(nosigbus_safe_read(bytes, static_cast<char*>(region.data()) + 20 * page, 16) == 16);
    CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_EOF);
  });
}

TEST_CASE("a tail that grows again is put back although a hole in front of it is not") {
  on_small_filesystem([](small_filesystem& files) {
    const int fd = file_with_holes(files, 32, [](size_t i) { return i != 2; });
    files.fill();
    nosigbus::region region = map_region(fd, 32 * page, PROT_READ, NOSIGBUS_ABSORB_IO);
    peek(region, 2 * page);
    CHILD_CHECK(ftruncate(fd, static_cast<off_t>(16 * page)) == 0);
    peek(region, 20 * page);
    write_pattern(fd, 16 * page, 24 * page);
    files.fill();
    CHILD_CHECK(region.refresh() == 0);
    CHILD_CHECK(is_page_of_file(region, 20));
    CHILD_CHECK(peek(region, 26 * page) == 0);
    CHILD_CHECK(peek(region, 2 * page) == 0);
  });
}

// Before Linux 5.14 a page cannot be asked whether it could be written; and a handler that resumed on the
// strength of "perhaps" would be called for ever.
TEST_CASE("where the kernel cannot be asked about a page a write to a hole kills" NO_QEMU("seccomp")) {
  on_small_filesystem(
      [](small_filesystem& files) {
        const int fd = file_with_holes(files, 32, [](size_t) { return false; });
        files.fill();
        refuse_to_populate();
        const nosigbus::region region = map_region(fd, 32 * page, PROT_READ | PROT_WRITE, 0);
        poke(region, 3 * page, 1);
      },
      killed_by(SIGBUS));
}

TEST_CASE("a private mapping without a descriptor loses nothing behind a hole") {
  const auto adopt = [](small_filesystem& files, unsigned flags) {
    const int fd = file_with_holes(files, 32, [](size_t i) { return i != 5; });
    files.fill();
    void* const mapped = mmap(nullptr, 32 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHILD_CHECK(mapped != MAP_FAILED);
    close(fd);
    static_cast<unsigned char*>(mapped)[6 * page] = 0xee;
    auto region = nosigbus::region::adopt(mapped, 32 * page, -1, flags);
    CHILD_CHECK(region);
    return *std::move(region);
  };
  on_small_filesystem([&](small_filesystem& files) {
    const nosigbus::region region = adopt(files, NOSIGBUS_ABSORB_IO);
    CHILD_CHECK(is_zero(region, 5 * page, 6 * page));
    CHILD_CHECK(is_page_of_file(region, 4) && is_page_of_file(region, 7) && is_page_of_file(region, 31));
    CHILD_CHECK(peek(region, 6 * page) == 0xee);
    CHILD_CHECK(region.status().cause == NOSIGBUS_IO);
  });
  on_small_filesystem([&](small_filesystem& files) { peek(adopt(files, 0), 5 * page); }, killed_by(SIGBUS));
}
