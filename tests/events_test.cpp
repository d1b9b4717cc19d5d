// SPDX-License-Identifier: MIT
//
// What a program's event loop learns of its regions.
#include <nosigbus/events.h>

#include <cerrno>
#include <map>
#include <vector>

#include "support/each_entry.h"
#include "support/event_fixture.h"
#include "support/sampling.h"

using namespace test;

namespace {

const size_t page = page_size();

int g_told;
void tell(const nosigbus::event&) { ++g_told; }

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

TEST_CASE("a function can be told, by its name or by its address") {
  in_each_entry(exited(0), [] {
    listen();
    shared_file file(page);
    const nosigbus::region one = without_watch(file, page), two = without_watch(file, page);
    file.resize(0);
    CHILD_CHECK(peek(one, 0) == 0 && nosigbus::dispatch(tell) == 1 && g_told == 1);
    CHILD_CHECK(peek(two, 0) == 0 && nosigbus::dispatch(&tell) == 1 && g_told == 2);
  });
}

TEST_CASE("bad arguments") {
  CHECK(nosigbus_dispatch(nullptr, nullptr) == -EINVAL);
  CHECK(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr) == 0);
}
