// SPDX-License-Identifier: MIT
//
// What a storm is made of: mechanisms, each with threads that meet faults and compare every byte with a
// model.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace storms {

using random_source = std::mt19937_64;

// In memory that the supervisor shares with a mechanism's process. Written by that process, read by the
// supervisor; relaxed, as each stands for itself.
struct counters {
  std::atomic<uint64_t> faults, signals, wrong, leaks;
  // By which signal a fault that is nobody's killed, in the end.
  std::atomic<int32_t> stranger;
};

// Of this process.
inline counters* g_counters = nullptr;
inline uint64_t g_seed = 0;
inline const char* g_mechanism = "";

// The work of one thread.
class task {
 public:
  explicit task(uint64_t seed) : random_(seed) {}
  virtual ~task() = default;
  task(const task&) = delete;
  task& operator=(const task&) = delete;

  // Some faults, and a look at all that they left.
  virtual void round() = 0;
  // All threads stand still, what is there is to be counted; and go on.
  virtual void rest() {}
  virtual void go_on() {}
  // Faults that must have been counted: at least.
  uint64_t met() const { return met_; }

 protected:
  size_t below(size_t limit) { return random_() % limit; }

  random_source random_;
  uint64_t met_ = 0;
};

// Counts a wrong byte, and says so; the first few of a process.
void expect(bool right, const char* what);
void expect_bytes(const void* got, const void* wanted, size_t length, const char* what);
void expect_zeros(const void* got, size_t length, const char* what);

struct mechanism {
  const char* name;
  const char* what;
  // Of 1000 faults.
  unsigned share;
  unsigned threads;
  // Makes faults reach whoever is to have them.
  void (*prepare)();
  std::unique_ptr<task> (*make)(uint64_t seed);
  // Faults so far.
  uint64_t (*count)();
  // Not a process of ours: becomes another program, which inherits the counters. Returns if it cannot.
  void (*become)(uint64_t faults, double seconds) = nullptr;
  // It may meet fewer faults than it is asked for.
  bool by_the_clock = false;
};

// In the order in which they are linked.
inline std::vector<mechanism>& mechanisms() {
  static std::vector<mechanism> all;
  return all;
}
struct registration {
  explicit registration(const mechanism& one) { mechanisms().push_back(one); }
};

template <class Task>
std::unique_ptr<task> make(uint64_t seed) {
  return std::make_unique<Task>(seed);
}

// What a program has been given that a mechanism became; null for others.
counters* inherited_counters();

uint64_t absorbed();
// nosigbus_install, and nothing else.
void install();

// Runs one in this process until it has met so many faults, or for so long; the faster of both. Returns the
// process's exit status.
int run(const mechanism& what, uint64_t faults, double seconds);

}  // namespace storms
