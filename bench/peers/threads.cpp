// SPDX-License-Identifier: MIT
//
// Several threads at once, each with files of its own.
#include <sched.h>

#include <atomic>
#include <thread>

#include "works.h"

namespace peers {

namespace {

using time_point = std::chrono::steady_clock::time_point;

// Runs job(number) on each of `count` threads at once. Returns the time from the first one's beginning to the
// last one's end.
template <class Job>
std::chrono::duration<double> together(size_t count, Job job) {
  std::atomic<size_t> ready{0};
  std::vector<time_point> begun(count), ended(count);
  std::vector<std::thread> threads;
  for (size_t number = 0; number < count; ++number) {
    threads.emplace_back([&, number] {
      ready.fetch_add(1, std::memory_order_acq_rel);
      while (ready.load(std::memory_order_acquire) != count) sched_yield();
      begun[number] = std::chrono::steady_clock::now();
      job(number);
      ended[number] = std::chrono::steady_clock::now();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return *std::max_element(ended.begin(), ended.end()) - *std::min_element(begun.begin(), begun.end());
}

// What threads read, and where to.
struct place {
  explicit place(size_t size) : file(size) {}
  bench::file file;
  std::unique_ptr<reader> attached;
  std::vector<unsigned char> copy;
};

std::vector<std::unique_ptr<place>> places(const technique& t, size_t count, size_t size) {
  std::vector<std::unique_ptr<place>> made;
  for (size_t i = 0; i < count; ++i) {
    auto& p = made.emplace_back(std::make_unique<place>(size));
    p->copy.resize(size);
    require(pwrite(p->file.fd(), p->copy.data(), size, 0) == static_cast<ssize_t>(size));
    p->attached = t.attach(p->file.fd(), size);
  }
  return made;
}

constexpr size_t size = 64 * kib;

// Time for each 64 KiB of all that were read.
void measure_reading(benchmark::State& state, const technique& t, size_t threads) {
  constexpr size_t rounds = 256;
  const auto of_threads = places(t, threads, size);
  for (auto _ : state) {
    const auto took = together(threads, [&](size_t number) {
      place& own = *of_threads[number];
      for (size_t i = 0; i < rounds; ++i) own.attached->read(own.copy.data(), 0, size);
    });
    state.SetIterationTime(took.count() / static_cast<double>(threads * rounds));
  }
}

// Time for each fault of all that were met.
void measure_faults(benchmark::State& state, const technique& t, size_t threads) {
  constexpr size_t faults = 32;
  static constexpr uint32_t first = 0;
  if (!t.survives) {
    bench::not_available(state, "dies");
    return;
  }
  const auto of_all = places(t, threads * faults, size);
  for (auto _ : state) {
    for (const auto& p : of_all) p->file.cut_off();
    const auto took = together(threads, [&](size_t number) {
      for (size_t i = 0; i < faults; ++i) of_all[number * faults + i]->attached->touch(&first, 1);
    });
    state.SetIterationTime(took.count() / static_cast<double>(threads * faults));
    for (const auto& p : of_all) {
      p->file.make_whole();
      p->attached->restore();
    }
  }
}

const bool g_added = [] {
  for (const size_t threads : {1, 2, 4, 8}) {
    const std::string by = " by " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    add({"read 64 KiB each" + by, bench::clock::inside, 1, 31},
        [threads](benchmark::State& state, const technique& t) { measure_reading(state, t, threads); });
    add({"one fault each" + by, bench::clock::inside, 1, 31},
        [threads](benchmark::State& state, const technique& t) { measure_faults(state, t, threads); });
  }
  return true;
}();

}  // namespace

}  // namespace peers
