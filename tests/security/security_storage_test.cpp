// SPDX-License-Identifier: MIT
//
// What the other side can cost by what its file is made of: holes, more length than there is memory, full
// file systems, huge pages, lost memory.
#include <fcntl.h>

#include "scene.h"
#include "support/file_kind.h"
#include "support/poison.h"

using namespace test;

namespace {

const size_t page = page_size();

}  // namespace

TEST_CASE("a file of two terabytes costs what a small one does") {
  constexpr size_t huge = size_t{2} << 40;
  const auto read_some = [](const nosigbus::region& region) {
    for (size_t at = 0; at < huge; at += huge / 16) peek(region, at);
  };
  for (const origin from : {origin::mapped, origin::adopted_without_fd}) {
    for (const bool cut : {false, true}) {
      const measured found = measure([&](const meter& meter) {
        be_a_server();
        shared_file file(page);
        meter.begin();
        file.resize(huge);
        const nosigbus::region region = make_region(from, file, huge, PROT_READ, hardened);
        if (cut) file.resize(0);
        read_some(region);
        meter.counted() = dispatched();
        meter.end();
      });
      // Three levels of tables for each page that is read.
      CHECK(found.page_tables <= 16 * 3 * static_cast<long>(page >> 10) + noise);
      enter(std::string("has a sparse file of 2 TiB ") +
                (from == origin::mapped ? "mapped" : "adopted without descriptor") +
                (cut ? ", cuts it off, and 16 pages of it are read" : ", and 16 pages of it are read"),
            found,
            {.signals = cut ? 1u : 0u,
             .page_faults = 16 + few,
             .calls = from == origin::mapped ? 50u : 150u,
             .calls_at_most = from == origin::mapped ? 12u : 130u,
             .mappings = 3,
             .descriptors = 1,
             .events = cut ? 1u : 0u});
    }
  }
}

TEST_CASE("a region that is read behind the end of two terabytes needs page tables by what is read") {
  constexpr size_t length = size_t{1} << 30;
  const measured found = measure([](const meter& meter) {
    be_a_server();
    shared_file file(page);
    const nosigbus::region region = make_region(origin::mapped, file, length, PROT_READ, hardened);
    meter.begin();
    for (size_t at = page; at < length; at += page) peek(region, at);
    meter.counted() = dispatched();
    meter.end();
  });
  // A page of tables for each 2 MiB that are read, as of any mapping.
  CHECK(found.page_tables <= 512 * 4 + 64);
  enter("has a region of 1 GiB over a file of a page read, each page", found,
        {.signals = 1,
         .page_faults = length / page + few,
         .calls = 40,
         .calls_at_most = 20,
         .mappings = 1,
         .events = 1});
}

TEST_CASE("holes that are read cost the reader pages of the file and no signal") {
  constexpr size_t pages = 1024;
  const measured found = measure([](const meter& meter) {
    be_a_server();
    shared_file file(pages * page);
    const nosigbus::region region = make_region(origin::mapped, file, pages * page, PROT_READ, hardened);
    meter.begin();
    for (int i = 0; i < 10; ++i) {
      constexpr int all = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
      CHILD_CHECK(fallocate(file.fd(), all, 0, static_cast<off_t>(pages * page)) == 0);
      read_pages(region, 0, pages * page);
    }
    meter.counted() = dispatched();
    meter.end();
    CHILD_CHECK(allocated_pages(file.fd()) == pages);
  });
  enter("takes all pages out of a file of 4 MiB, 10 times, and all of them are read", found,
        {.page_faults = 10 * pages + few, .calls = 40});
}

TEST_CASE("a full file system costs a signal a page at most and few mappings") {
  if (!file_systems_can_be_mounted()) return;
  constexpr size_t pages = 256;
  for (const size_t step : {size_t{1}, size_t{8}}) {
    const measured found = measure([step](const meter& meter) {
      small_filesystem files(16);
      be_a_server();
      const int fd = files.create();
      CHILD_CHECK(ftruncate(fd, static_cast<off_t>(pages * page)) == 0);
      files.fill();
      const nosigbus::region region = make_region(origin::mapped, fd, 0, pages * page, PROT_READ, hardened);
      meter.begin();
      for (size_t at = 0; at < pages; at += step) peek(region, (at * 89 % pages) * page);
      meter.counted() = dispatched();
      meter.end();
    });
    enter(std::string("fills its file system; of 1 MiB of holes on it ") +
              (step == 1 ? "all pages are read" : "each 8th page is read, in another order"),
          found,
          {.signals = pages / step,
           .page_faults = pages / step + few,
           .calls = 90 * pages / step,
           .calls_at_most = 90,
           .mappings = 7,
           .events = 1});
  }
}

TEST_CASE("what is private and has no descriptor is looked at for 64 milliseconds at most") {
  if (!file_systems_can_be_mounted()) return;
  const measured found = measure([](const meter& meter) {
    small_filesystem files(16);
    be_a_server();
    const int fd = files.create();
    write_pattern(fd, page, 4 * page);
    files.fill();
    const nosigbus::region region =
        make_region(origin::adopted_without_fd, fd, 0, 4 * page, PROT_READ, NOSIGBUS_PRIVATE);
    meter.begin();
    peek(region, 0);
  });
  CHECK(found.how == killed_by(SIGBUS));
  // A millisecond before each look; and both are one or two calls.
  CHECK(found.calls_at_most >= 64 * 2);
  CHECK(found.calls_at_most <= 64 * 3 + 30);
}

TEST_CASE("huge pages of odd lengths cost no more mappings") {
  constexpr file_kind kind = file_kind::huge_pages;
  if (!exists(kind)) return;
  const std::optional<huge_pages> pool = pages_for(kind);
  if (!pool->granted()) return;
  const size_t granule = granule_of(kind);
  const measured found = measure([granule](const meter& meter) {
    const file_store store(kind);
    be_a_server();
    const int fd = store.create();
    const auto end_at = [&](size_t end) { CHILD_CHECK(ftruncate(fd, static_cast<off_t>(end)) == 0); };
    end_at(4 * granule);
    const size_t length = 4 * granule - page - 1;
    nosigbus::region region = make_region(origin::mapped, fd, 0, length, PROT_READ, hardened);
    meter.begin();
    for (size_t i = 0; i < 100; ++i) {
      end_at(i % 4 * granule);
      for (size_t at = 0; at < length; at += granule) peek(region, at);
      end_at(4 * granule);
      CHILD_CHECK(region.refresh() == 1);
    }
    meter.counted() = dispatched();
    meter.end();
  });
  enter(
      "cuts off 4 huge pages, of which the region has no whole number, 100 times; they are read and "
      "refreshed",
      found,
      {.signals = 100,
       .page_faults = 400 + few,
       .calls = 2000,
       .calls_at_most = 12,
       .mappings = 8,
       .events = 1});
}

TEST_CASE("lost memory costs a signal a page") {
  if (!can_poison()) return;
  const measured found = measure([](const meter& meter) {
    be_a_server();
    const shared_file file(8 * page);
    const nosigbus::region region = make_region(origin::mapped, file, 8 * page, PROT_READ, hardened);
    unsigned char* const other = file.map(8 * page, PROT_READ | PROT_WRITE);
    CHILD_CHECK(poison(other + page) == 0 && poison(other + 5 * page) == 0);
    meter.begin();
    read_pages(region, 0, 8 * page);
    meter.counted() = dispatched();
    meter.end();
  });
  enter("loses the memory of two pages of 8, and all are read", found,
        {.signals = 2, .page_faults = 8 + few, .calls = 60, .calls_at_most = 25, .mappings = 4, .events = 1});
}
