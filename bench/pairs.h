// SPDX-License-Identifier: MIT
//
// Benchmarks come in pairs: our work, and what a user would do instead. Both run many times in random
// turns, so that a noisy machine is noisy for both; medians make the ratio. Pairs of one work run all in
// turns, and what is in several of them runs once.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace bench {

using body = std::function<void(benchmark::State&)>;

// What some rows need, and others would be disturbed by. Rows of one stage are measured between the two
// calls; if none is asked for, neither is made.
struct stage {
  std::function<void()> enter, leave;
};

// Who takes the time: the framework, around all iterations, or the bodies, by bench::timed.
enum class clock { around, inside };

// goal: the ratio (peer's time / our time) to reach; 0 without one. group: rows of one group get lines of
// their own with the geometric mean and the worst ratio; empty without. on: null for what can be measured in
// turns with everything else. work: what pairs have in common that belong together; empty for one by itself.
// ours_name: tells ours apart within a work. iterations, repetitions: 0 for the framework's choice.
struct pair {
  std::string name;
  body ours;
  std::string peer;
  body theirs;
  double goal = 0;
  std::string group = {};
  clock taken = clock::around;
  const stage* on = nullptr;
  std::string work = {};
  std::string ours_name = "ours";
  int iterations = 0, repetitions = 0;
};

// For bodies: this side cannot do this work on this machine, or at all. The row says n/a and why.
inline void not_available(benchmark::State& state, const std::string& why) {
  state.SkipWithError(("n/a: " + why).c_str());
}

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

// One iteration whose time is that of `work` alone (clock::inside).
template <class F>
void timed(benchmark::State& state, F work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  state.SetIterationTime(took.count());
}

// Calls function(a, b, c) over and over. All such pairs run in the same loop: how a loop happens to lie in
// memory is worth ten per cent of a short call. Functions that take fewer arguments, or return something else
// of a register's size, are called as these machines' conventions permit.
using function = uintptr_t (*)(uintptr_t, uintptr_t, uintptr_t);
__attribute__((noinline)) void run(benchmark::State& state, function f, uintptr_t a, uintptr_t b,
                                   uintptr_t c);

inline uintptr_t word(const void* p) { return reinterpret_cast<uintptr_t>(p); }
inline uintptr_t word(size_t n) { return n; }
template <class Function, class A, class B>
body calls(Function* f, A a, B b, size_t c) {
  return [=](benchmark::State& state) {
    run(state, reinterpret_cast<function>(reinterpret_cast<void*>(f)), word(a), word(b), c);
  };
}

}  // namespace bench
