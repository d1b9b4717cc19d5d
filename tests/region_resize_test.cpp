// SPDX-License-Identifier: MIT
//
// Regions that become longer and shorter, in place and by moving.
#include <fcntl.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>

#include "support/no_qemu.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();

// The region's file in this process's list of mappings.
size_t count_file_mappings() {
  FILE* const maps = fopen("/proc/self/maps", "r");
  size_t count = 0;
  char line[512];
  while (fgets(line, sizeof line, maps) != nullptr) count += strstr(line, "memfd:") != nullptr;
  fclose(maps);
  return count;
}

const unsigned char* bytes(const nosigbus::region& region) {
  return static_cast<const unsigned char*>(region.data());
}

}  // namespace

TEST_CASE("a region that grows shows what the file has there and stays where it was, too") {
  with_each_healing_region([](origin from) {
    for (const bool blocked : {false, true}) {
      shared_file file(8 * page);
      nosigbus::region region = make_region(from, file, 3 * page);
      const volatile unsigned char* const before = bytes(region);
      if (blocked) block(region);
      CHILD_CHECK(region.resize(8 * page) == 0);
      CHILD_CHECK(region.size() == 8 * page);
      CHILD_CHECK(is_pattern(region, 0, 8 * page));
      CHILD_CHECK(region.status().faults == 0);
      if (blocked) CHILD_CHECK(region.data() != before);
      for (size_t i = 0; i < 3 * page; ++i) CHILD_CHECK(before[i] == pattern(i));

      file.resize(2 * page);
      CHILD_CHECK(before[2 * page] == 0);
      CHILD_CHECK(before[2 * page - 1] == pattern(2 * page - 1));
      CHILD_CHECK(is_zero(region, 2 * page, 8 * page));
      CHILD_CHECK(region.status().overlaid);
      CHILD_CHECK(region.status().first_bad_offset == 2 * page);
      file.resize(8 * page);
      file.draw();
      CHILD_CHECK(region.refresh() == 1);
      CHILD_CHECK(is_pattern(region, 0, 8 * page));
      for (size_t i = 0; i < 3 * page; ++i) CHILD_CHECK(before[i] == pattern(i));
    }
  });
}

TEST_CASE("a region that is overlaid grows") {
  with_each_healing_region([](origin from) {
    for (const size_t kept : {size_t{0}, page}) {
      for (const bool blocked : {false, true}) {
        shared_file file(4 * page);
        nosigbus::region region = make_region(from, file, 4 * page);
        if (blocked) block(region);
        file.resize(kept);
        CHILD_CHECK(peek(region, 3 * page) == 0);
        CHILD_CHECK(region.resize(6 * page) == 0);
        CHILD_CHECK(is_pattern(region, 0, kept));
        CHILD_CHECK(is_zero(region, kept, 6 * page));
        CHILD_CHECK(vmas_in(region) <= 3);
        file.resize(6 * page);
        file.draw();
        CHILD_CHECK(region.refresh() == 1);
        CHILD_CHECK(is_pattern(region, 0, 6 * page));
      }
    }
  });
}

TEST_CASE("growing page by page moves rarely, and release leaves nothing") {
  with_each_healing_region([](origin from) {
    constexpr size_t most = 600;
    shared_file file(most * page);
    const size_t files = count_file_mappings(), descriptors = count_descriptors();
    {
      nosigbus::region region = make_region(from, file, page);
      const void* last = region.data();
      unsigned moves = 0;
      for (size_t pages = 2; pages <= most; ++pages) {
        block(region);
        CHILD_CHECK(region.resize(pages * page) == 0);
        CHILD_CHECK(peek(region, pages * page - 1) == pattern(pages * page - 1));
        moves += region.data() != last;
        last = region.data();
      }
      CHILD_CHECK(moves <= 12);
      CHILD_CHECK(vmas_in(region) == 1);
      CHILD_CHECK(count_file_mappings() <= files + 13);
    }
    // An adopted mapping stays.
    CHILD_CHECK(count_file_mappings() == files + (from == origin::mapped ? 0 : 1));
    CHILD_CHECK(count_descriptors() == descriptors);
  });
}

TEST_CASE("shorter and longer again, where it is") {
  with_each_region([](origin from) {
    if (from != origin::mapped) return;
    shared_file file(8 * page);
    nosigbus::region region = make_region(from, file, 8 * page);
    const void* const before = region.data();
    for (int i = 0; i < 2000; ++i) {
      CHILD_CHECK(region.resize(page * 3 + 5) == 0);
      CHILD_CHECK(region.size() == page * 3 + 5);
      CHILD_CHECK(region.resize(8 * page) == 0);
      CHILD_CHECK(region.data() == before);
    }
    CHILD_CHECK(is_pattern(region, 0, 8 * page));
    CHILD_CHECK(vmas_in(region) == 1);
    file.resize(0);
    CHILD_CHECK(is_zero(region, 0, 8 * page));
    CHILD_CHECK(region.resize(page) == 0);
    CHILD_CHECK(region.status().overlaid);
    file.resize(page);
    CHILD_CHECK(region.refresh() == 1);
  });
}

TEST_CASE("what a region gave up is not absorbed any more") {
  for (const origin from : origins) {
    CAPTURE(static_cast<int>(from));
    CHECK(in_child([from] {
            enter_by(entry::installed);
            shared_file file(8 * page);
            nosigbus::region region = make_region(from, file, 8 * page);
            CHILD_CHECK(region.resize(3 * page) == 0);
            file.resize(page);
            CHILD_CHECK(peek(region, 2 * page) == 0);
            peek(region, 3 * page);
            return 0;
          }) == killed_by(from == origin::mapped ? SIGSEGV : SIGBUS));
  }
}

TEST_CASE("private regions grow where it loses nothing") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          shared_file file(4 * page);
          nosigbus::region region = make_region(origin::mapped, file, page, PROT_READ, NOSIGBUS_PRIVATE);
          block(region);
          CHILD_CHECK(region.resize(4 * page) == 0);
          CHILD_CHECK(is_pattern(region, 0, 4 * page));
          nosigbus::region writable =
              make_region(origin::mapped, file, page, PROT_READ | PROT_WRITE, NOSIGBUS_PRIVATE);
          poke(writable, 5, 77);
          block(writable);
          CHILD_CHECK(writable.resize(4 * page) == -ENOTSUP);
          CHILD_CHECK(writable.size() == page);
          CHILD_CHECK(peek(writable, 5) == 77);
          return 0;
        }) == exited(0));
}

TEST_CASE("a sealed file is safe as far as it reaches and no further" NO_QEMU("no seals")) {
  CHECK(in_child([] {
          enter_by(entry::installed);
          shared_file file(2 * page, MFD_ALLOW_SEALING);
          nosigbus::region region = make_region(origin::mapped, file, 2 * page);
          CHILD_CHECK(!region.status().sealed);
          CHILD_CHECK(fcntl(file.fd(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
          CHILD_CHECK(region.status().sealed);
          CHILD_CHECK(region.resize(2 * page + 1) == 0);
          CHILD_CHECK(!region.status().sealed);
          CHILD_CHECK(peek(region, 2 * page) == 0);
          CHILD_CHECK(region.resize(2 * page) == 0);
          CHILD_CHECK(region.status().sealed);
          return 0;
        }) == exited(0));
}

TEST_CASE("readers at the old and at the new address, while a region grows and its file changes") {
  with_each_healing_region([](origin from) {
    constexpr size_t most = 200;
    shared_file file(most * page);
    nosigbus::region region = make_region(from, file, page);
    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    const auto read = [&] {
      while (!stop) {
        const size_t size = region.size();
        const unsigned char byte = bytes(region)[size - 1];
        if (byte != 0 && byte != pattern(size - 1)) ++wrong;
        region.status();
        region.refresh();
      }
    };
    std::thread first(read), second(read);
    for (size_t pages = 2; pages <= most; ++pages) {
      CHILD_CHECK(region.resize(pages * page) == 0);
      file.resize(pages * page / 2);
      file.resize(most * page);
      if (pages % 10 == 0) file.draw();
    }
    stop = true;
    first.join();
    second.join();
    CHILD_CHECK(wrong == 0);
    CHILD_CHECK(region.refresh() == 1);
  });
}

// A region whose memory the program has unmapped, and which it has not released, has its address still.
TEST_CASE("a region does not move to where another one is that has lost its memory" NO_QEMU(
    "places memory otherwise")) {
  CHECK(in_child([] {
          enter_by(entry::installed);
          shared_file file(4 * page);
          nosigbus::region region = make_region(origin::mapped, file, page);
          block(region);
          // As much as is reserved for a region of four pages, where the next mapping of that size will be.
          const size_t room = 9 * page;
          nosigbus::region lost = make_region(origin::adopted_with_fd, file, room);
          CHILD_CHECK(munmap(lost.data(), room) == 0);
          const size_t mappings = count_vmas(), descriptors = count_descriptors();
          const uint64_t regions = nosigbus::stats().regions;
          CHILD_CHECK(region.resize(4 * page) == -EEXIST);
          CHILD_CHECK(count_vmas() == mappings && count_descriptors() == descriptors);
          CHILD_CHECK(nosigbus::stats().regions == regions);
          CHILD_CHECK(region.size() == page && is_pattern(region, 0, page));
          file.resize(0);
          CHILD_CHECK(peek(region, 0) == 0 && region.status().faults == 1);
          lost.reset();
          file.resize(4 * page);
          file.draw();
          CHILD_CHECK(region.resize(4 * page) == 0);
          CHILD_CHECK(is_pattern(region, page, 4 * page));
          return 0;
        }) == exited(0));
}

TEST_CASE("bad lengths") {
  CHECK(in_child([] {
          shared_file file(2 * page);
          nosigbus::region region = make_region(origin::mapped, file, page);
          CHILD_CHECK(nosigbus_region_resize(nullptr, page) == -EINVAL);
          CHILD_CHECK(region.resize(0) == -EINVAL);
          CHILD_CHECK(region.resize(SIZE_MAX) == -EOVERFLOW);
          CHILD_CHECK(region.resize(size_t{INT64_MAX} + 1) == -EOVERFLOW);
          CHILD_CHECK(region.resize(size_t{1} << 55) == -ENOMEM);
          CHILD_CHECK(region.size() == page);
          CHILD_CHECK(is_pattern(region, 0, page));
          CHILD_CHECK(region.resize(1) == 0);
          CHILD_CHECK(region.size() == 1);
          return 0;
        }) == exited(0));
}
