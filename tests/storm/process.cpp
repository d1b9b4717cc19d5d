// SPDX-License-Identifier: MIT
//
// A mechanism's process: its threads, its clock, and what it must not leave behind.
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <nosigbus/nosigbus.hpp>
#include <thread>

#include "../support/belongings.h"
#include "../support/pester.h"
#include "mechanism.h"
#include "stranger.h"

namespace storms {

namespace {

using clock_type = std::chrono::steady_clock;

// Faults in front of the first look at what there is: what is kept for later exists then.
constexpr uint64_t faults_to_warm_up = 20'000;

using test::belongings;

belongings take_stock_at_rest(const std::vector<std::unique_ptr<task>>& tasks) {
  for (const auto& each : tasks) each->rest();
  const belongings now = belongings::take();
  for (const auto& each : tasks) each->go_on();
  return now;
}

// room: what may become more for other reasons than the faults, of which there are many more than that.
void compare(const char* what, size_t before, size_t after, size_t room = 0) {
  if (after <= before + room) return;
  g_counters->leaks.fetch_add(after - before, std::memory_order_relaxed);
  dprintf(2, "storm: %s, seed %lu: %zu %s have become %zu\n", g_mechanism, g_seed, before, what, after);
}

void publish(const mechanism& what) {
  g_counters->faults.store(what.count(), std::memory_order_relaxed);
  g_counters->signals.store(test::pester::g_signals.load(std::memory_order_relaxed),
                            std::memory_order_relaxed);
}

// Lets all work until there were so many faults. Each has a round at least: what is to be there for good is
// there afterwards.
void rage(const mechanism& what, std::vector<std::unique_ptr<task>>& tasks, uint64_t until, double seconds) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  threads.reserve(tasks.size());
  for (auto& each : tasks) {
    threads.emplace_back([&stop, &each] {
      const test::pestered thread;
      do each->round();
      while (!stop.load(std::memory_order_relaxed));
    });
  }
  const auto end = clock_type::now() + std::chrono::duration<double>(seconds);
  while (what.count() < until && clock_type::now() < end) {
    usleep(2000);
    publish(what);
  }
  stop.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads) thread.join();
  publish(what);
}

}  // namespace

void expect(bool right, const char* what) {
  if (right) return;
  if (g_counters->wrong.fetch_add(1, std::memory_order_relaxed) < 5) {
    dprintf(2, "storm: %s, seed %lu: wrong: %s\n", g_mechanism, g_seed, what);
  }
}
void expect_bytes(const void* got, const void* wanted, size_t length, const char* what) {
  if (memcmp(got, wanted, length) == 0) return;
  for (size_t i = 0; i < length; ++i) {
    expect(static_cast<const unsigned char*>(got)[i] == static_cast<const unsigned char*>(wanted)[i], what);
  }
}
void expect_zeros(const void* got, size_t length, const char* what) {
  static const unsigned char g_zeros[size_t{1} << 16] = {};
  expect_bytes(got, g_zeros, length, what);
}

uint64_t absorbed() { return nosigbus::stats().absorbed; }
void install() { CHILD_CHECK(nosigbus_install(0) == 0); }

int run(const mechanism& what, uint64_t faults, double seconds) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // malloc keeps the arena that it makes when two threads want memory at the same moment, which may come
  // late.
  mallopt(M_ARENA_MAX, 1);
  g_mechanism = what.name;
  what.prepare();
  test::pester::begin(test::pester::meet_in_guard);
  random_source seeds(g_seed);
  std::vector<std::unique_ptr<task>> tasks;
  for (unsigned i = 0; i < what.threads; ++i) tasks.push_back(what.make(seeds()));
  const auto begin = clock_type::now();
  rage(what, tasks, std::min(faults / 2, faults_to_warm_up), seconds / 2);
  const belongings before = take_stock_at_rest(tasks);
  rage(what, tasks, faults, seconds - std::chrono::duration<double>(clock_type::now() - begin).count());
  const belongings after = take_stock_at_rest(tasks);
  compare("mappings", before.mappings, after.mappings);
  compare("descriptors", before.descriptors, after.descriptors);
  compare("bytes of the heap", before.heap, after.heap, 256);
  uint64_t met = 0;
  for (const auto& each : tasks) met += each->met();
  expect(what.count() >= met, "faults were met that nobody counted");
  g_counters->stranger.store(killed_by_a_stranger(die_by_a_missing_page), std::memory_order_relaxed);
  return 0;
}

}  // namespace storms
