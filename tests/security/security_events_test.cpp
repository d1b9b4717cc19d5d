// SPDX-License-Identifier: MIT
//
// What can be done to a program's event loop.
#include <fstream>
#include <string>
#include <vector>

#include "scene.h"

using namespace test;

namespace {

const size_t page = page_size();

std::vector<nosigbus::region> regions_of(const shared_file& one, const shared_file& other, size_t count) {
  std::vector<nosigbus::region> regions;
  for (size_t i = 0; i < count; ++i) {
    regions.push_back(make_region(origin::mapped, i % 2 == 0 ? one : other, page));
  }
  return regions;
}

// Of this process, by all its instances of inotify (proc(5), fdinfo).
size_t watches() {
  size_t count = 0;
  for (int fd = 0; fd < 64; ++fd) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
    for (std::string line; std::getline(info, line);) count += line.rfind("inotify wd:", 0) == 0 ? 1 : 0;
  }
  return count;
}

// Calls that change nothing, of two files in turn: the kernel does not join those into one.
void flood(shared_file& one, shared_file& other, int calls) {
  for (int i = 0; i < calls; ++i) (i % 2 == 0 ? one : other).resize(page);
}

}  // namespace

TEST_CASE("a file is watched once however many regions it has") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          listen();
          shared_file one(page), other(page);
          CHILD_CHECK(watches() == 0);
          auto all = regions_of(one, other, 100);
          CHILD_CHECK(watches() == 2);
          all.clear();
          CHILD_CHECK(watches() == 0);
          return 0;
        }) == exited(0));
}

TEST_CASE("a thousand faults are one event") {
  constexpr uint64_t cycles = 1000;
  const measured found = measure([](const meter& meter) {
    be_a_server();
    shared_file file(page);
    nosigbus::region region = make_region(origin::mapped, file, page, PROT_READ, hardened);
    for (uint64_t i = 0; i < cycles; ++i) {
      file.resize(0);
      peek(region, 0);
      file.resize(page);
      CHILD_CHECK(region.refresh() == 1);
    }
    meter.begin();
    meter.counted() = dispatched();
    meter.end();
  });
  enter("cuts off and lets grow again, 1000 times, each read and refreshed; one dispatch", found,
        {.page_faults = few, .calls = 30, .events = 1});
}

TEST_CASE("a flood of changes of a file costs its listener one look at each region") {
  constexpr size_t regions = 100;
  const measured found = measure([](const meter& meter) {
    shared_file one(page), other(page);
    listen();
    const auto all = regions_of(one, other, regions);
    dispatched();
    flood(one, other, 10000);
    meter.begin();
    meter.counted() = dispatched();
    meter.end();
  });
  // Reads of inotify's queue, and of the bell.
  enter("changes the sizes of two files 10000 times, of 100 regions; one dispatch", found,
        {.page_faults = few, .calls = regions + 30});
}
