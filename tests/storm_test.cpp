// SPDX-License-Identifier: MIT
//
// A million absorbed faults: readers on two threads, and another process that truncates and grows their
// file all the time.
#include <atomic>
#include <cstdlib>
#include <thread>

#include "storm/contest.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

uint64_t wanted_faults() {
  const char* const text = getenv("NOSIGBUS_TEST_FAULTS");
  return text != nullptr ? strtoull(text, nullptr, 10) : 1000000;
}

void survive() {
  enter_by(entry::installed);
  storms::contest between(mappings_can_be_duplicated());
  std::atomic<uint64_t> wrong{0};
  std::atomic<bool> stop{false};
  const auto reader = [&](unsigned seed) {
    std::mt19937_64 random(seed);
    std::vector<unsigned char> buffer;
    while (!stop) wrong += between.read(random, buffer);
  };
  // Before the readers begin: an operation may have a descriptor open for as long as it lasts.
  const size_t descriptors = count_descriptors();
  std::thread first(reader, 1), second(reader, 2);
  size_t most_vmas = 0;
  while (nosigbus::stats().absorbed < wanted_faults()) {
    usleep(1000);
    for (const nosigbus::region* region : between.regions())
      most_vmas = std::max(most_vmas, vmas_in(*region));
  }
  stop = true;
  first.join();
  second.join();
  between.rest();

  const auto stats = nosigbus::stats();
  printf(
      "absorbed %lu faults: %lu by regions with %lu overlays, %lu by copies; %lu wrong bytes; at most %lu "
      "VMAs\n",
      stats.absorbed, stats.absorbed_by_region, stats.overlays, stats.absorbed_by_operation, wrong.load(),
      most_vmas);
  fflush(stdout);
  CHILD_CHECK(wrong == 0);
  CHILD_CHECK(stats.absorbed_by_region >= wanted_faults() / 1000);
  CHILD_CHECK(stats.absorbed_by_operation >= wanted_faults() / 1000);
  CHILD_CHECK(stats.chained == 0);
  CHILD_CHECK(most_vmas <= 3);
  CHILD_CHECK(count_descriptors() == descriptors);
  for (const nosigbus::region* region : between.regions()) CHILD_CHECK(vmas_in(*region) == 1);
}

}  // namespace

TEST_CASE("a million faults kill nobody, lose no live byte and leave nothing behind") {
  CHECK(in_child(
            [] {
              survive();
              return 0;
            },
            280) == exited(0));
}
