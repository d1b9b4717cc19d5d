// SPDX-License-Identifier: MIT
//
// Events and the process: its children, its descriptors, its threads.
#include <nosigbus/events.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <thread>
#include <vector>

#include "support/each_entry.h"
#include "support/event_fixture.h"
#include "support/no_qemu.h"

using namespace test;

namespace {

const size_t page = page_size();

}  // namespace

TEST_CASE("a child of fork has events of its own and its parent keeps its own" NO_QEMU("no WIPEONFORK")) {
  in_each_entry(exited(0), [] {
    const int fd = listen();
    shared_file file(2 * page);
    const nosigbus::region region = without_watch(file, 2 * page);
    file.resize(page);
    CHILD_CHECK(peek(region, page) == 0);
    CHILD_CHECK(in_child([&] {
                  CHILD_CHECK(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr) ==
                              0);
                  file.resize(0);
                  CHILD_CHECK(peek(region, 0) == 0);
                  const int own = listen();
                  CHILD_CHECK(readable(own));
                  CHILD_CHECK(dispatch_all().size() == 1);
                  CHILD_CHECK(!readable(own));
                  return 0;
                }) == exited(0));
    CHILD_CHECK(readable(fd));
    CHILD_CHECK(dispatch_all().size() == 1);
    CHILD_CHECK(!readable(fd));
  });
}

TEST_CASE("a program that closes all descriptors is not written to, and may listen again") {
  in_each_entry(exited(0), [] {
    const int fd = listen();
    shared_file file(2 * page);
    const nosigbus::region region = without_watch(file, 2 * page);
    // A file of the program's own under each number that the library had.
    const shared_file own(16);
    for (int number = 3; number < fd + 5; ++number) {
      if (number != own.fd() && number != file.fd()) dup2(own.fd(), number);
    }
    file.resize(page);
    CHILD_CHECK(peek(region, page) == 0);
    char content[16];
    CHILD_CHECK(lseek(own.fd(), 0, SEEK_CUR) == 0);
    CHILD_CHECK(pread(own.fd(), content, sizeof content, 0) == sizeof content);
    for (size_t i = 0; i < sizeof content; ++i) {
      CHILD_CHECK(static_cast<unsigned char>(content[i]) == pattern(i));
    }
    CHILD_CHECK(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr) == -EBADF);
    CHILD_CHECK(lseek(own.fd(), 0, SEEK_CUR) == 0);
    const int again = nosigbus::event_fd();
    CHILD_CHECK(again > fd);
    CHILD_CHECK(readable(again));
    CHILD_CHECK(dispatch_all().size() == 1);
  });
}

TEST_CASE("no fault goes untold, while many threads fault and others dispatch") {
  in_each_entry(
      exited(0),
      [] {
        const int fd = listen();
        constexpr int threads = 3;
        std::atomic<bool> stop{false};
        std::vector<std::thread> readers;
        std::vector<nosigbus::region> regions;
        std::vector<std::unique_ptr<shared_file>> files;
        for (int i = 0; i < threads; ++i) {
          files.push_back(std::make_unique<shared_file>(page));
          regions.push_back(make_region(origin::mapped, *files.back(), page));
        }
        for (size_t i = 0; i < threads; ++i) {
          readers.emplace_back([&, i] {
            while (!stop) {
              files[i]->resize(0);
              CHILD_CHECK(peek(regions[i], 0) == 0);
              files[i]->resize(page);
              regions[i].refresh();
              // Regions that come and go beside them.
              nosigbus::region brief = make_region(origin::mapped, *files[i], page);
            }
          });
        }
        std::map<const nosigbus_region*, uint64_t> told;
        const auto tell = [&](const nosigbus::event& event) {
          for (const auto& region : regions) {
            if (region.get() == event.region) told[event.region] = event.count;
          }
        };
        for (int i = 0; i < 20000; ++i) {
          if (readable(fd, 100)) nosigbus::dispatch(tell);
        }
        stop = true;
        for (std::thread& reader : readers) reader.join();
        // Now all is quiet: what has not been told makes the descriptor readable.
        while (readable(fd)) nosigbus::dispatch(tell);
        for (const auto& region : regions) {
          CHILD_CHECK(told[region.get()] == region.status().faults);
          CHILD_CHECK(region.status().faults > 100);
        }
      },
      60);
}
