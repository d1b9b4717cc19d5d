// SPDX-License-Identifier: MIT
//
// What the other side can cost by setting its file's size: once, for ever, amid a fault, and by having the
// server follow it.
#include <sys/syscall.h>

#include "scene.h"
#include "support/hostile.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr size_t large = size_t{64} << 20;
// Of each origin.
constexpr const char* names[] = {"mapped", "adopted with its descriptor", "adopted without"};

}  // namespace

TEST_CASE("a file that is cut off costs one signal however much of it is read") {
  for (const origin from : origins) {
    const measured found = measure([from](const meter& meter) {
      be_a_server();
      shared_file file(large);
      const nosigbus::region region = make_region(from, file, large, PROT_READ, hardened);
      meter.begin();
      file.resize(0);
      read_pages(region, 0, large);
      meter.counted() = dispatched();
      meter.end();
    });
    enter(std::string("cuts off 64 MiB to nothing, and all pages are read: ") + names[static_cast<int>(from)],
          found,
          {.signals = 1,
           .page_faults = large / page + few,
           .calls = 60,
           .calls_at_most = 50,
           .mappings = 2,
           .events = 1});
  }
}

TEST_CASE("a file that is cut off amid leaves three mappings at most") {
  const measured found = measure([](const meter& meter) {
    be_a_server();
    shared_file file(large);
    const nosigbus::region region = make_region(origin::mapped, file, large, PROT_READ, hardened);
    meter.begin();
    for (size_t end = large; end > 0; end /= 2) {
      file.resize(end + page / 2);
      read_pages(region, 0, large);
    }
    meter.counted() = dispatched();
    meter.end();
  });
  enter("cuts off 64 MiB to a half again and again, within a page, and all pages are read each time", found,
        {.signals = 15,
         .page_faults = 15 * large / page + few,
         .calls = 200,
         .calls_at_most = 12,
         .mappings = 2,
         .events = 1});
}

TEST_CASE("a file that comes and goes costs one signal until the server asks for it back") {
  constexpr unsigned cycles = 1000;
  for (const bool refreshes : {false, true}) {
    const measured found = measure([refreshes](const meter& meter) {
      be_a_server();
      shared_file file(16 * page);
      nosigbus::region region = make_region(origin::mapped, file, 16 * page, PROT_READ, hardened);
      meter.begin();
      for (unsigned i = 0; i < cycles; ++i) {
        file.resize(i % 16 * page);
        read_pages(region, 0, 16 * page);
        file.resize(16 * page);
        if (refreshes) CHILD_CHECK(region.refresh() == 1);
      }
      meter.counted() = dispatched();
      meter.end();
    });
    const std::string act =
        "cuts off and lets grow again, 1000 times, all pages are read each time; the server ";
    // Two of the calls of each cycle are the attacker's.
    enter(act + (refreshes ? "refreshes each time" : "never refreshes"), found,
          {.signals = refreshes ? cycles : 1u,
           .page_faults = 16 * cycles + few,
           .calls = refreshes ? 15 * cycles : 2 * cycles + 30,
           .calls_at_most = 12,
           .mappings = 0,
           .events = 1});
  }
}

TEST_CASE("a file that changes in front of each system call of the handler costs a bounded look") {
  for (const origin from : origins) {
    shared_file file(16 * page);
    const adversary liar = [&file](long call) {
      // Whole when its size is asked for, and missing when it is looked at.
      if (call == SYS_fstat || call == SYS_newfstatat) file.resize(16 * page);
      if (call == SYS_madvise) file.resize(0);
    };
    const measured found = measure(
        [&file, from](const meter& meter) {
          be_a_server();
          nosigbus::region region = make_region(from, file, 16 * page, PROT_READ, hardened);
          file.resize(0);
          meter.begin();
          for (int i = 0; i < 100; ++i) {
            read_pages(region, 0, 16 * page);
            region.refresh();
          }
          meter.counted() = dispatched();
          meter.end();
        },
        liar);
    enter(std::string(
              "changes the size in front of each system call of the handler, knowing which; 16 pages are "
              "read and refreshed 100 times: ") +
              names[static_cast<int>(from)],
          found,
          {.signals = 16,
           .page_faults = 16 * 100 + few,
           .calls = 16 * 90 + 100 * 10,
           .calls_at_most = 90,
           .mappings = 8,
           .events = 1});
  }
}

TEST_CASE("a file that changes all the time is repaired and refreshed at a bounded cost") {
  const measured found = measure([](const meter& meter) {
    be_a_server();
    shared_file file(16 * page);
    nosigbus::region region = make_region(origin::mapped, file, 16 * page, PROT_READ, hardened);
    const hostile_process attacker(file, 0, 0);
    meter.begin();
    for (int i = 0; i < 1000; ++i) {
      read_pages(region, 0, 16 * page);
      region.refresh();
    }
    meter.counted() = dispatched();
    meter.end();
    attacker.stop();
  });
  enter("changes the size from another process; 16 pages are read and refreshed 1000 times", found,
        {.signals = 2000,
         .page_faults = 16 * 1000 + few,
         .calls = 50000,
         .calls_at_most = 90,
         .mappings = 8,
         .events = 1});
}

TEST_CASE("a file that changes in front of each look of prefault ends it or is repaired") {
  constexpr size_t pages = 256;
  shared_file file(pages * page);
  size_t turn = 0;
  // There and gone, from one look to the next.
  const adversary restless = [&file, &turn](long call) {
    if (call == SYS_madvise) file.resize(turn++ % 2 == 0 ? 0 : pages * page);
  };
  const measured found = measure(
      [&file](const meter& meter) {
        be_a_server();
        nosigbus::region region = make_region(origin::mapped, file, pages * page, PROT_READ, hardened);
        meter.begin();
        for (int i = 0; i < 10; ++i) {
          nosigbus_region_prefault(region.get(), 0, pages * page);
          region.refresh();
        }
        meter.counted() = dispatched();
        meter.end();
      },
      restless);
  enter(
      "changes the size in front of each look, while 256 pages are readied for a system call and refreshed, "
      "10 times",
      found, {.page_faults = 10 * pages + few, .calls = 10 * pages, .mappings = 8, .events = 1});
}

TEST_CASE("a pool that grows page by page costs few mappings") {
  constexpr size_t most = 1024;
  const measured found = measure([](const meter& meter) {
    be_a_server();
    shared_file file(page);
    nosigbus::region region = make_region(origin::mapped, file, page, PROT_READ, hardened);
    meter.begin();
    for (size_t pages = 2; pages <= most; ++pages) {
      file.resize(pages * page);
      CHILD_CHECK(region.resize(pages * page) == 0);
    }
    meter.counted() = dispatched();
    meter.end();
  });
  enter("asks for one page more, 1023 times, and the server follows", found,
        {.page_faults = few, .calls = 10 * most, .mappings = 12, .events = 1});
}

TEST_CASE("a pool that changes its length all the time costs no more mappings") {
  for (const origin from : origins) {
    const measured found = measure([from](const meter& meter) {
      be_a_server();
      shared_file file(64 * page);
      nosigbus::region region = make_region(from, file, 64 * page, PROT_READ, hardened);
      meter.begin();
      for (size_t i = 0; i < 1000; ++i) {
        file.resize((i * 37 % 64 + 1) * page);
        CHILD_CHECK(region.resize((i * 23 % 64 + 1) * page) == 0);
        read_pages(region, 0, region.size());
      }
      meter.counted() = dispatched();
      meter.end();
    });
    enter(std::string(
              "changes size and asks for another length, 1000 times, and the server follows and reads: ") +
              names[static_cast<int>(from)],
          found,
          {.signals = 500,
           .page_faults = 64 * 1000 + few,
           .calls = 20000,
           .calls_at_most = 50,
           .mappings = 10,
           .events = 1});
  }
}

TEST_CASE("writes that are discarded cost what is written") {
  constexpr size_t pages = 256;
  const measured found = measure([](const meter& meter) {
    be_a_server();
    shared_file file(pages * page);
    nosigbus::region region = make_region(origin::mapped, file, pages * page, PROT_READ | PROT_WRITE,
                                          hardened | NOSIGBUS_DISCARD_WRITES);
    meter.begin();
    for (int i = 0; i < 100; ++i) {
      file.resize(0);
      for (size_t at = 0; at < pages; ++at) poke(region, at * page, 1);
      file.resize(pages * page);
      CHILD_CHECK(region.refresh() == 1);
    }
    file.resize(0);
    for (size_t at = 0; at < pages; ++at) poke(region, at * page, 1);
    meter.counted() = dispatched();
    meter.end();
  });
  enter("cuts off 1 MiB that the server writes all of, 101 times", found,
        {.signals = 101,
         .page_faults = 101 * pages + few,
         .calls = 101 * 20,
         .calls_at_most = 12,
         .mappings = 1,
         .memory = 1024 + 64,
         .events = 1});
}
