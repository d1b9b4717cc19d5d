// SPDX-License-Identifier: MIT
//
// What all inputs have in common: memory of every kind, the sets of routines, bytes to fill memory with.
#pragma once

#include <nosigbus/runtime.h>
#include <src/shared/routines.h>

#include <array>
#include <deque>
#include <vector>

#include "copy/memory.h"
#include "support/check.h"

namespace fuzz {

class arena {
 public:
  arena() {
    FUZZ_CHECK(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0);
    // Two of each: one for either side.
    for (int kind = 0; kind <= static_cast<int>(badness::clipped_region); ++kind) {
      all_.emplace_back(static_cast<badness>(kind));
      all_.emplace_back(static_cast<badness>(kind));
    }
    for (size_t i = 0; i < nosigbus::arch::routines_count; ++i) {
      const nosigbus::routines& set = nosigbus::arch::all_routines[i];
      if (!nosigbus::use_routines(set.name)) continue;
      sets_.push_back({nosigbus_routines, nosigbus_detour.load(std::memory_order_relaxed)});
    }
    uint64_t state = 1;
    for (uint8_t& byte : noise_) {
      state = state * 6364136223846793005 + 1442695040888963407;
      byte = static_cast<uint8_t>(state >> 56);
    }
  }
  memory& side(badness kind, size_t which) { return all_[2 * static_cast<size_t>(kind) + which]; }
  size_t sets() const { return sets_.size(); }
  const nosigbus::routines& set(size_t index) const { return sets_[index].set; }
  // Asking the processor each time whether it has the set takes longer than most copies.
  void put_in_force(size_t index, bool with_regions) const {
    nosigbus_routines = sets_[index].set;
    const uint32_t detour = sets_[index].detour & ~nosigbus::detour_regions;
    nosigbus_detour.store(detour | (with_regions ? nosigbus::detour_regions : 0), std::memory_order_relaxed);
  }
  // As long as a memory and more.
  const uint8_t* noise(size_t from) const { return noise_.data() + from; }
  static constexpr size_t noises = 256;

 private:
  std::deque<memory> all_;
  struct routines_in_force {
    nosigbus::routines set;
    uint32_t detour;
  };
  std::vector<routines_in_force> sets_;
  std::array<uint8_t, (memory::pages << 16) + noises> noise_;
};

inline arena& the_arena() {
  static arena g_arena;
  return g_arena;
}

}  // namespace fuzz
