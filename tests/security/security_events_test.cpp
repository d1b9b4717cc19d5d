// SPDX-License-Identifier: MIT
//
// What can be done to a program's event loop.
#include <nosigbus/nosigbus.hpp>

#include <memory>
#include <vector>

#include "ledger.h"
#include "support/event_fixture.h"
#include "support/no_qemu.h"

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

// Calls that change nothing, of two files in turn: the kernel does not join those into one.
void flood(shared_file& one, shared_file& other, int calls) {
  for (int i = 0; i < calls; ++i) (i % 2 == 0 ? one : other).resize(page);
}

uint64_t dispatched() {
  return static_cast<uint64_t>(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr));
}

}  // namespace

TEST_CASE("a flood of changes of a file costs its listener one look at each region" NO_QEMU("no ptrace")) {
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
        {.calls = regions + 30});
}
