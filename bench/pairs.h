// SPDX-License-Identifier: MIT
//
// Benchmarks come in pairs: our work, and what a user would do instead. Both run many times in random
// turns, so that a noisy machine is noisy for both; medians make the ratio.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

namespace bench {

using body = std::function<void(benchmark::State&)>;

// goal: the ratio (peer's time / our time) to reach; 0 without one. group: rows of one group get lines of
// their own with the geometric mean and the worst ratio; empty without.
struct pair {
  std::string name;
  body ours;
  std::string peer;
  body theirs;
  double goal = 0;
  std::string group;
};

void add(pair p);

// Goals of a group: for its geometric mean and its worst row, 0 without.
void add_group(const std::string& name, double mean_goal, double worst_goal);

// Calls f over and over, as the benchmark's body.
template <class F>
body loop(F f) {
  return [f](benchmark::State& state) {
    for (auto _ : state) {
      f();
      benchmark::ClobberMemory();
    }
  };
}

}  // namespace bench
