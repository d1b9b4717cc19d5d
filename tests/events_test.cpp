// SPDX-License-Identifier: MIT
//
// What a program's event loop learns of its regions.
#include <fcntl.h>
#include <nosigbus/events.h>
#include <poll.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <thread>
#include <vector>

#include "support/each_entry.h"
#include "support/no_qemu.h"
#include "support/region_fixture.h"
#include "support/sampling.h"

using namespace test;

namespace {

const size_t page = page_size();

bool readable(int fd, int milliseconds = 0) {
  pollfd what{fd, POLLIN, 0};
  return poll(&what, 1, milliseconds) == 1;
}

std::vector<nosigbus::event> dispatch_all() {
  std::vector<nosigbus::event> events;
  const int delivered = nosigbus::dispatch([&](const nosigbus::event& event) { events.push_back(event); });
  CHILD_CHECK(delivered == static_cast<int>(events.size()));
  return events;
}

int listen() {
  const int fd = nosigbus::event_fd();
  CHILD_CHECK(fd >= 0);
  CHILD_CHECK(nosigbus::event_fd() == fd);
  CHILD_CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  return fd;
}

nosigbus::region without_watch(const shared_file& file, size_t length) {
  return make_region(origin::adopted_without_fd, file, length);
}

}  // namespace

TEST_CASE("a fault makes one event, whatever comes after it") {
  in_each_entry(exited(0), [] {
    const int fd = listen();
    CHILD_CHECK(!readable(fd));
    CHILD_CHECK(dispatch_all().empty());
    shared_file file(8 * page);
    nosigbus::region region = make_region(origin::adopted_with_fd, file, 8 * page);
    CHILD_CHECK(!readable(fd));
    for (uint64_t round = 1; round <= 3; ++round) {
      file.resize(2 * page + 100);
      CHILD_CHECK(peek(region, 5 * page) == 0);
      CHILD_CHECK(peek(region, 6 * page) == 0);
      CHILD_CHECK(readable(fd));
      const auto events = dispatch_all();
      CHILD_CHECK(events.size() == 1);
      CHILD_CHECK(events[0].region == region.get());
      CHILD_CHECK(events[0].offset == 2 * page + 100);
      CHILD_CHECK(events[0].count == round);
      CHILD_CHECK(events[0].cause == NOSIGBUS_EOF);
      CHILD_CHECK((events[0].what & NOSIGBUS_EVENT_FAULT) != 0);
      CHILD_CHECK(events[0].file_size == 2 * page + 100);
      CHILD_CHECK(!readable(fd));
      CHILD_CHECK(dispatch_all().empty());
      file.resize(8 * page);
      CHILD_CHECK(region.refresh() == 1);
      dispatch_all();
    }
  });
}

TEST_CASE("faults before anybody listened are told") {
  in_each_entry(exited(0), [] {
    shared_file file(2 * page);
    const nosigbus::region region = without_watch(file, 2 * page);
    file.resize(page);
    CHILD_CHECK(peek(region, page) == 0);
    CHILD_CHECK(dispatch_all().empty());
    CHILD_CHECK(readable(listen()));
    const auto events = dispatch_all();
    CHILD_CHECK(events.size() == 1);
    CHILD_CHECK(events[0].region == region.get());
    CHILD_CHECK(events[0].what == NOSIGBUS_EVENT_FAULT);
    CHILD_CHECK(events[0].offset == page);
    CHILD_CHECK(events[0].file_size == UINT64_MAX);
  });
}

TEST_CASE("a callback that stops leaves the rest for the next time") {
  in_each_entry(exited(0), [] {
    const int fd = listen();
    shared_file file(page);
    std::vector<nosigbus::region> regions;
    for (int i = 0; i < 5; ++i) regions.push_back(without_watch(file, page));
    file.resize(0);
    for (const auto& region : regions) CHILD_CHECK(peek(region, 0) == 0);
    for (int i = 0; i < 5; ++i) {
      CHILD_CHECK(readable(fd));
      const nosigbus_region* seen = nullptr;
      CHILD_CHECK(nosigbus::dispatch([&](const nosigbus::event& event) {
                    seen = event.region;
                    return false;
                  }) == 1);
      CHILD_CHECK(seen == regions[static_cast<size_t>(i)].get());  // in the order of the faults
    }
    CHILD_CHECK(!readable(fd));
    CHILD_CHECK(dispatch_all().empty());
  });
}

TEST_CASE("released regions have no events, and who has their descriptors next has none of theirs") {
  in_each_entry(exited(0), [] {
    const int fd = listen();
    shared_file file(page);
    for (size_t i = 0; i < 100; i += sampling()) {
      std::vector<nosigbus::region> regions;
      for (int k = 0; k < 10; ++k) regions.push_back(without_watch(file, page));
      file.resize(0);
      for (const auto& region : regions) CHILD_CHECK(peek(region, 0) == 0);
      file.resize(page);
      regions.clear();
      for (int k = 0; k < 10; ++k) regions.push_back(without_watch(file, page));
      if (i % 2 == 0) CHILD_CHECK(dispatch_all().empty());
    }
    dispatch_all();
    CHILD_CHECK(!readable(fd));
  });
}

TEST_CASE("a callback may release the region, and others that wait") {
  in_each_entry(exited(0), [] {
    listen();
    shared_file file(page);
    std::map<const nosigbus_region*, nosigbus::region> regions;
    for (int i = 0; i < 6; ++i) {
      nosigbus::region region = without_watch(file, page);
      regions[region.get()] = std::move(region);
    }
    file.resize(0);
    for (const auto& [handle, region] : regions) CHILD_CHECK(peek(region, 0) == 0);
    int calls = 0;
    nosigbus::dispatch([&](const nosigbus::event& event) {
      ++calls;
      CHILD_CHECK(regions.erase(event.region) == 1);
      regions.erase(regions.begin());
    });
    CHILD_CHECK(calls == 3);
    CHILD_CHECK(regions.empty());
  });
}

TEST_CASE("where a region was before it moved counts as well") {
  in_each_entry(exited(0), [] {
    listen();
    shared_file file(16 * page);
    nosigbus::region region = make_region(origin::adopted_with_fd, file, page);
    const volatile unsigned char* const before = static_cast<unsigned char*>(region.data());
    CHILD_CHECK(region.resize(16 * page) == 0);
    CHILD_CHECK(region.data() != before);
    file.resize(0);
    CHILD_CHECK(before[5] == 0);
    const auto events = dispatch_all();
    CHILD_CHECK(events.size() == 1);
    CHILD_CHECK(events[0].region == region.get());
    CHILD_CHECK(events[0].cause == NOSIGBUS_EOF);
    CHILD_CHECK(events[0].offset == 0);
  });
}

TEST_CASE("a file that shrinks or grows is noticed before it is touched") {
  for (const bool listens_first : {true, false}) {
    in_each_entry(exited(0), [=] {
      if (listens_first) listen();
      shared_file file(4 * page), other(page);
      nosigbus::region one = make_region(origin::mapped, file, 4 * page);
      nosigbus::region two = make_region(origin::adopted_with_fd, file, page);
      const nosigbus::region unrelated = make_region(origin::mapped, other, page);
      const int fd = listen();
      CHILD_CHECK(!readable(fd));

      file.resize(2 * page);
      CHILD_CHECK(readable(fd));
      auto events = dispatch_all();
      CHILD_CHECK(events.size() == 2);
      for (const auto& event : events) {
        CHILD_CHECK(event.what == NOSIGBUS_EVENT_SHRUNK);
        CHILD_CHECK(event.file_size == 2 * page);
        CHILD_CHECK(event.count == 0);
        CHILD_CHECK(event.offset == (event.region == one.get() ? 2 * page : UINT64_MAX));
      }
      CHILD_CHECK(!readable(fd));

      CHILD_CHECK(peek(one, 3 * page) == 0);
      file.resize(4 * page);
      events = dispatch_all();
      CHILD_CHECK(events.size() == 2);
      for (const auto& event : events) {
        const unsigned faults = event.region == one.get() ? NOSIGBUS_EVENT_FAULT : 0;
        CHILD_CHECK(event.what == (NOSIGBUS_EVENT_GREW | faults));
      }
      CHILD_CHECK(one.refresh() == 1);

      // What is written to the file does not change its size; nor does who is gone hear of it.
      CHILD_CHECK(pwrite(file.fd(), "x", 1, 0) == 1);
      CHILD_CHECK(dispatch_all().empty());
      one.reset();
      file.resize(page);
      events = dispatch_all();
      CHILD_CHECK(events.size() == 1);
      CHILD_CHECK(events[0].region == two.get());
      two.reset();
      file.resize(0);
      CHILD_CHECK(dispatch_all().empty());
      CHILD_CHECK(!readable(fd));
    });
  }
}

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

TEST_CASE("bad arguments") {
  CHECK(nosigbus_dispatch(nullptr, nullptr) == -EINVAL);
  CHECK(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr) == 0);
}
