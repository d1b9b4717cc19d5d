// SPDX-License-Identifier: MIT
//
// A million absorbed faults: readers on two threads, and another process that truncates and grows their
// file all the time.
#include <nosigbus/copy.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "support/hostile.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr size_t pages = 32;
constexpr size_t kept_pages = 4;  // never truncated: each byte of them is right at any time

uint64_t wanted_faults() {
  const char* const text = getenv("NOSIGBUS_TEST_FAULTS");
  return text != nullptr ? strtoull(text, nullptr, 10) : 1000000;
}

struct tally {
  std::atomic<uint64_t> wrong{0}, reads{0}, most_vmas{0};
};

bool right(unsigned char byte, size_t offset) {
  return byte == pattern(offset) || (byte == 0 && offset >= kept_pages * page);
}

// Touches the regions as code does that knows nothing of nosigbus, and lets them heal.
void read_regions(nosigbus::region& mapped, nosigbus::region& adopted, std::mt19937& random, tally& count) {
  for (nosigbus::region* region : {&mapped, &adopted}) {
    for (int i = 0; i < 8; ++i) {
      const size_t offset = random() % (pages * page);
      if (!right(peek(*region, offset), offset)) ++count.wrong;
    }
    if (region->status().overlaid) region->refresh();
  }
}

void copy_unguarded(const unsigned char* source, std::vector<unsigned char>& buffer, std::mt19937& random,
                    tally& count) {
  for (int i = 0; i < 8; ++i) {
    const size_t offset = random() % (pages * page), n = random() % (pages * page - offset);
    memset(buffer.data(), 0xee, n);
    const size_t copied = nosigbus_safe_read(buffer.data(), source + offset, n);
    for (size_t at = 0; at < n; at += 1 + random() % 300) {
      if (at < copied ? !right(buffer[at], offset + at) : buffer[at] != 0) ++count.wrong;
    }
    if (copied < n &&
        nosigbus_last_fault()->address != reinterpret_cast<uintptr_t>(source) + offset + copied) {
      ++count.wrong;
    }
  }
}

void survive(shared_file& file) {
  enter_by(entry::installed);
  nosigbus::region mapped = make_region(origin::mapped, file, pages * page);
  nosigbus::region adopted =
      make_region(mappings_can_be_duplicated() ? origin::adopted_without_fd : origin::adopted_with_fd, file,
                  pages * page);
  const unsigned char* const unguarded = file.map(pages * page);
  const hostile_process hostile(file, kept_pages * page, 16);

  tally count;
  std::atomic<bool> stop{false};
  const auto reader = [&](unsigned seed) {
    std::mt19937 random(seed);
    std::vector<unsigned char> buffer(pages * page);
    while (!stop) {
      read_regions(mapped, adopted, random, count);
      copy_unguarded(unguarded, buffer, random, count);
      ++count.reads;
    }
  };
  // Before the readers begin: an operation may have a descriptor open for as long as it lasts.
  const size_t descriptors = count_descriptors();
  std::thread first(reader, 1), second(reader, 2);
  while (nosigbus::stats().absorbed < wanted_faults()) {
    usleep(1000);
    for (const nosigbus::region* region : {&mapped, &adopted}) {
      const uint64_t vmas = vmas_in(*region);
      if (vmas > count.most_vmas) count.most_vmas = vmas;
    }
  }
  stop = true;
  first.join();
  second.join();
  hostile.stop();

  const auto stats = nosigbus::stats();
  printf(
      "absorbed %lu faults: %lu by regions with %lu overlays, %lu by copies; %lu wrong bytes; at most %lu "
      "VMAs\n",
      stats.absorbed, stats.absorbed_by_region, stats.overlays, stats.absorbed_by_operation,
      count.wrong.load(), count.most_vmas.load());
  fflush(stdout);
  CHILD_CHECK(count.wrong == 0);
  CHILD_CHECK(stats.absorbed_by_region >= wanted_faults() / 1000);
  CHILD_CHECK(stats.absorbed_by_operation >= wanted_faults() / 1000);
  CHILD_CHECK(stats.chained == 0);
  CHILD_CHECK(count.most_vmas <= 3);
  CHILD_CHECK(count_descriptors() == descriptors);
  file.resize(pages * page);
  CHILD_CHECK(mapped.refresh() == 1);
  CHILD_CHECK(adopted.refresh() == 1);
  CHILD_CHECK(vmas_in(mapped) == 1);
  CHILD_CHECK(vmas_in(adopted) == 1);
}

}  // namespace

TEST_CASE("a million faults kill nobody, lose no live byte and leave nothing behind") {
  CHECK(in_child(
            [] {
              shared_file file(pages * page);
              survive(file);
              return 0;
            },
            280) == exited(0));
}
