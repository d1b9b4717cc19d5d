// SPDX-License-Identifier: MIT
#include "support/region_fixture.h"
#include "support/sampling.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "support/no_qemu.h"
#include "support/no_tsan.h"

using namespace test;

namespace {

const size_t page = page_size();

}  // namespace

TEST_CASE("missing pages read as zeros, what is left of the file stays live") {
  for (const size_t cut : {size_t{0}, size_t{1}, page - 1, page, page + 1, 3 * page + 17, 7 * page}) {
    CAPTURE(cut);
    with_each_region([cut](origin from) {
      shared_file file(8 * page);
      const nosigbus::region region = make_region(from, file, 8 * page);
      CHILD_CHECK(is_pattern(region, 0, 8 * page));
      file.resize(cut);
      CHILD_CHECK(is_pattern(region, 0, cut));
      CHILD_CHECK(is_zero(region, cut, 8 * page));
      if (cut == 0) return;
      const unsigned char fresh = 0xf1;
      CHILD_CHECK(pwrite(file.fd(), &fresh, 1, 0) == 1);
      CHILD_CHECK(peek(region, 0) == fresh);
    });
  }
}

TEST_CASE("one fault repairs the whole tail, whatever the order of access") {
  with_each_region([](origin from) {
    for (const int order : {0, 1, 2}) {
      constexpr size_t pages = 300;
      shared_file file(pages * page);
      const nosigbus::region region = make_region(from, file, pages * page);
      file.resize(10 * page);
      std::vector<size_t> touch(pages);
      std::iota(touch.begin(), touch.end(), size_t{0});
      if (order == 1) std::reverse(touch.begin(), touch.end());
      if (order == 2) std::shuffle(touch.begin(), touch.end(), std::mt19937(7));
      for (const size_t i : touch) CHILD_CHECK(peek(region, i * page) == (i < 10 ? pattern(i * page) : 0));
      CHILD_CHECK(region.status().faults == 1);
      CHILD_CHECK(vmas_in(region) <= 3);
    }
  });
}

TEST_CASE("a gigabyte truncated to nothing and touched in random order: one fault, at most three VMAs") {
  with_each_region([](origin from) {
    constexpr size_t size = size_t{1} << 30;
    const shared_file file(0);
    CHILD_CHECK(ftruncate(file.fd(), size) == 0);
    const nosigbus::region region = make_region(from, file, size);
    CHILD_CHECK(ftruncate(file.fd(), 0) == 0);
    std::vector<uint32_t> touch(size / page);
    std::iota(touch.begin(), touch.end(), 0u);
    std::shuffle(touch.begin(), touch.end(), std::mt19937(1));
    for (const uint32_t i : touch) CHILD_CHECK(peek(region, i * page + i % page) == 0);
    CHILD_CHECK(region.status().faults == 1);
    CHILD_CHECK(vmas_in(region) <= 3);
  });
}

TEST_CASE("status tells what happened and what is now") {
  with_each_healing_region([](origin from) {
    shared_file file(8 * page);
    nosigbus::region region = make_region(from, file, 8 * page);
    const bool size_known = from != origin::adopted_without_fd;
    auto status = region.status();
    CHILD_CHECK(status.faults == 0);
    CHILD_CHECK(!status.overlaid);
    CHILD_CHECK(status.cause == NOSIGBUS_NONE);
    CHILD_CHECK(status.first_bad_offset == UINT64_MAX);
    CHILD_CHECK(status.file_size == (size_known ? 8 * page : UINT64_MAX));
    CHILD_CHECK(!status.sealed);
    const uint64_t whole = status.generation;
    CHILD_CHECK(whole % 2 == 0);

    file.resize(2 * page + 100);
    CHILD_CHECK(!region.status().overlaid);
    CHILD_CHECK(peek(region, 5 * page) == 0);
    status = region.status();
    CHILD_CHECK(status.faults == 1);
    CHILD_CHECK(status.overlaid);
    CHILD_CHECK(status.cause == NOSIGBUS_EOF);
    CHILD_CHECK(status.generation % 2 == 1);
    CHILD_CHECK(status.first_bad_offset == (size_known ? 2 * page + 100 : 5 * page));
    CHILD_CHECK(status.file_size == (size_known ? 2 * page + 100 : UINT64_MAX));

    file.resize(8 * page);
    CHILD_CHECK(region.refresh() == 1);
    status = region.status();
    CHILD_CHECK(status.faults == 1);
    CHILD_CHECK(!status.overlaid);
    CHILD_CHECK(status.cause == NOSIGBUS_NONE);
    CHILD_CHECK(status.generation % 2 == 0);
    CHILD_CHECK(status.generation != whole);
  });
}

TEST_CASE("refresh puts back what has grown again, after any number of cycles") {
  with_each_healing_region([](origin from) {
    shared_file file(8 * page);
    nosigbus::region region = make_region(from, file, 8 * page);
    file.draw();  // malloc maps the first large buffers, and keeps later ones on its heap
    const size_t vmas = count_vmas(), descriptors = count_descriptors();
    for (size_t cycle = 0; cycle < 300; cycle += sampling()) {
      const size_t cut = cycle * 97 % (8 * page);
      file.resize(cut);
      // Without a descriptor there are only pages to go by: a cut in the last one is not seen.
      const int short_of_it = from == origin::adopted_without_fd && cut > 7 * page ? 1 : 0;
      CHILD_CHECK(region.refresh() == short_of_it);
      CHILD_CHECK(is_zero(region, cut, 8 * page));
      CHILD_CHECK(region.refresh() == short_of_it);
      file.resize(8 * page);
      file.draw();
      CHILD_CHECK(region.refresh() == 1);
      CHILD_CHECK(region.refresh() == 1);
      CHILD_CHECK(is_pattern(region, 0, 8 * page));
      CHILD_CHECK(!region.status().overlaid);
    }
    CHILD_CHECK(count_vmas() == vmas);
    CHILD_CHECK(count_descriptors() == descriptors);
  });
}

TEST_CASE("partial growth is put back as far as it goes") {
  with_each_healing_region([](origin from) {
    shared_file file(8 * page);
    nosigbus::region region = make_region(from, file, 8 * page);
    file.resize(0);
    CHILD_CHECK(peek(region, 7 * page) == 0);
    for (const size_t size : {page, 3 * page, 3 * page + 5, 6 * page}) {
      file.resize(size);
      file.draw();
      const uint64_t faults = region.status().faults;
      CHILD_CHECK(region.refresh() == 0);
      CHILD_CHECK(is_pattern(region, 0, size));
      CHILD_CHECK(is_zero(region, size, 8 * page));
      CHILD_CHECK(region.status().overlaid);
      // Not put back to fault once more.
      CHILD_CHECK(region.status().faults == faults);
      CHILD_CHECK(vmas_in(region) <= 3);
    }
    // It shrinks again below what was put back.
    file.resize(2 * page);
    CHILD_CHECK(is_zero(region, 2 * page, 8 * page));
    file.resize(8 * page);
    file.draw();
    CHILD_CHECK(region.refresh() == 1);
    CHILD_CHECK(is_pattern(region, 0, 8 * page));
  });
}

TEST_CASE("refresh works after every descriptor of the file that the program had is closed") {
  with_each_healing_region([](origin from) {
    int other_side[2];
    CHILD_CHECK(pipe(other_side) == 0);
    nosigbus::region region;
    pid_t client = 0;
    {
      shared_file file(4 * page);
      region = make_region(from, file, 4 * page);
      client = fork();
      if (client == 0) {
        close(other_side[1]);
        file.resize(0);
        char step;
        while (read(other_side[0], &step, 1) == 1) {
          file.resize(4 * page);
          file.draw();
          _exit(0);
        }
        _exit(1);
      }
    }
    while (peek(region, page) != 0) usleep(100);
    CHILD_CHECK(write(other_side[1], "", 1) == 1);
    CHILD_CHECK(wait_for(client, 10) == exited(0));
    CHILD_CHECK(region.refresh() == 1);
    CHILD_CHECK(is_pattern(region, 0, 4 * page));
  });
}

TEST_CASE("other mappings of the file never notice, zeros never reach the file") {
  with_each_region([](origin from) {
    shared_file file(4 * page);
    const nosigbus::region region =
        make_region(from, file, 4 * page, PROT_READ | PROT_WRITE, NOSIGBUS_DISCARD_WRITES);
    const unsigned char* const other = file.map(4 * page);
    file.resize(page);
    poke(region, 2 * page, 0x77);
    CHILD_CHECK(is_zero(region, page, 2 * page));
    file.resize(4 * page);
    for (size_t i = page; i < 4 * page; ++i) CHILD_CHECK(other[i] == 0);
    poke(region, 5, 0x33);  // still the file
    CHILD_CHECK(other[5] == 0x33);
  });
}

TEST_CASE("writes are discarded on request, and dropped by refresh") {
  with_each_healing_region([](origin from) {
    shared_file file(8 * page);
    nosigbus::region region =
        make_region(from, file, 8 * page, PROT_READ | PROT_WRITE, NOSIGBUS_DISCARD_WRITES);
    file.resize(2 * page);
    for (const bool read_first : {true, false}) {
      if (read_first) CHILD_CHECK(peek(region, 3 * page) == 0);
      poke(region, 5 * page + 9, 0x99);
      CHILD_CHECK(peek(region, 5 * page + 9) == 0x99);
      CHILD_CHECK(vmas_in(region) <= 3);
      // Truncated further: what was written stays.
      file.resize(page);
      CHILD_CHECK(peek(region, page) == 0);
      CHILD_CHECK(peek(region, 5 * page + 9) == 0x99);
      file.resize(8 * page);
      file.draw();
      CHILD_CHECK(region.refresh() == 1);
      CHILD_CHECK(is_pattern(region, 0, 8 * page));
      file.resize(2 * page);
    }
  });
}

TEST_CASE("threads that fault on the same page at once lose no byte") {
  with_each_region([](origin from) {
    constexpr unsigned threads = 4;
    for (int round = 0; round < 200; ++round) {
      shared_file file(2 * page);
      const nosigbus::region region =
          make_region(from, file, 2 * page, PROT_READ | PROT_WRITE, NOSIGBUS_DISCARD_WRITES);
      file.resize(0);
      std::vector<std::thread> writers;
      for (unsigned t = 0; t < threads; ++t) {
        writers.emplace_back([&region, t] { poke(region, page + t, static_cast<unsigned char>(t + 1)); });
      }
      for (std::thread& writer : writers) writer.join();
      for (unsigned t = 0; t < threads; ++t) CHILD_CHECK(peek(region, page + t) == t + 1);
    }
  });
}

TEST_CASE("a region far larger than its file" NO_QEMU("2 TiB are more than its address space")
              NO_TSAN("and of its shadow")) {
  with_each_region([](origin from) {
    constexpr size_t size = size_t{2} << 40;
    const shared_file file(3 * page);
    const nosigbus::region region = make_region(from, file, size);
    CHILD_CHECK(is_pattern(region, 0, 3 * page));
    for (size_t offset = 3 * page; offset < size; offset = offset * 2 + 5)
      CHILD_CHECK(peek(region, offset) == 0);
    CHILD_CHECK(region.status().faults == 1);
    CHILD_CHECK(vmas_in(region) <= 3);
  });
}

TEST_CASE("offsets into the file count") {
  for (const entry how : entries) {
    CHECK(in_child([how] {
            enter_by(how);
            shared_file file(8 * page);
            auto region = nosigbus::region::map(file.fd(), static_cast<off_t>(3 * page), 4 * page, PROT_READ);
            CHILD_CHECK(region);
            unsigned char* const raw =
                file.map(4 * page, PROT_READ, MAP_SHARED, static_cast<off_t>(3 * page));
            auto adopted = nosigbus::region::adopt(raw, 4 * page, file.fd());
            CHILD_CHECK(adopted);
            file.resize(4 * page + 50);
            for (const nosigbus::region* r : {&*region, &*adopted}) {
              for (size_t i = 0; i < page + 50; ++i) CHILD_CHECK(peek(*r, i) == pattern(3 * page + i));
              CHILD_CHECK(is_zero(*r, page + 50, 4 * page));
              CHILD_CHECK(r->status().first_bad_offset == page + 50);
            }
            file.resize(8 * page);
            file.draw();
            CHILD_CHECK(region->refresh() == 1);
            CHILD_CHECK(adopted->refresh() == 1);
            CHILD_CHECK(peek(*region, 2 * page) == pattern(5 * page));
            CHILD_CHECK(peek(*adopted, 2 * page) == pattern(5 * page));
            return 0;
          }) == exited(0));
  }
}
