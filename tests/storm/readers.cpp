// SPDX-License-Identifier: MIT
//
// Threads that read and write regions.
#include <nosigbus/copy.h>
#include <sys/resource.h>
#include <unistd.h>

#include <iterator>

#include "scene.h"

namespace storm {

namespace {

// Reads where a region is, or was an instant ago, or where a canary is now. A fault of this copy is repaired
// while the region is released, which must be over when release returns.
void copy_from_targets(const scene& on, random_source& random) {
  unsigned char buffer[256];
  for (const std::atomic<uintptr_t>& target : on.targets) {
    const uintptr_t address = target.load(std::memory_order_relaxed);
    if (address == 0) continue;
    const size_t offset = (kept_pages + random() % target_pages) * page;
    nosigbus_safe_read(buffer, reinterpret_cast<const void*>(address + offset), sizeof buffer);
  }
}

void nothing() {}

// Whoever wakes up interrupts this thread.
void give_way() { CHILD_CHECK(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19) == 0); }

}  // namespace

void read_all_the_time(scene& on, unsigned seed) {
  give_way();
  random_source random(seed);
  while (on.stop_and_go.pass(nothing)) {
    for (subject& s : on.subjects) {
      check_bytes(s.region, s.writable, random, 4);
      copy_from_targets(on, random);
      if (random() % 8 == 0 && s.region.status().overlaid) s.region.refresh();
    }
  }
}

void write_all_the_time(scene& on, unsigned seed) {
  random_source random(seed);
  while (on.stop_and_go.pass(nothing)) {
    for (const subject& s : on.subjects) {
      if (!s.writable) continue;
      for (int i = 0; i < 4; ++i) {
        const size_t kept = kept_pages * page, offset = kept + random() % (s.region.size() - kept);
        unsigned char* const at = static_cast<unsigned char*>(s.region.data()) + offset;
        __atomic_store_n(at, written(offset), __ATOMIC_RELAXED);
        check_byte(s.region, offset, true);
      }
    }
  }
}

}  // namespace storm
