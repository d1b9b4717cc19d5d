// SPDX-License-Identifier: MIT
//
// Works that every technique does, in turns.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "../pairs.h"
#include "technique.h"

namespace peers {

// iterations, repetitions: as bench::pair has them. What one disturbance would spoil is repeated often, by
// few iterations: the median of means forgets it, a mean does not.
struct work {
  std::string name;
  bench::clock taken = bench::clock::around;
  int iterations = 0, repetitions = 0;
  const bench::stage* on = nullptr;
};

// Adds a row for each peer: `measure(state, technique)` for it and for that one of ours that does the same.
void add(const work& w, const std::function<void(benchmark::State&, const technique&)>& measure);

// Cuts off the file, has `touched` read, and makes it whole again, once an iteration; the reading counts.
void measure_cut_off(benchmark::State& state, const bench::file& file, const technique& t, reader& touched,
                     const bench::page_order& order);

// vm.max_map_count.
size_t mappings_allowed();

// The sizes of works, and the counts that they are done beside or by.
inline constexpr size_t kib = size_t{1} << 10, mib = size_t{1} << 20, gib = size_t{1} << 30;

}  // namespace peers
