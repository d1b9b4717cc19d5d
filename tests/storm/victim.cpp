// SPDX-License-Identifier: MIT
//
// A program that knows nothing of nosigbus, and that nosigbus-run keeps alive.
#include <signal.h>
#include <sys/mman.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "../support/pester.h"
#include "cut_file.h"
#include "stranger.h"

using namespace storms;

namespace {

using clock_type = std::chrono::steady_clock;

std::atomic<uint64_t> g_faults{0};

void expect_equal(const void* got, const void* wanted, size_t length, const char* what) {
  if (memcmp(got, wanted, length) == 0) return;
  if (g_counters->wrong.fetch_add(1, std::memory_order_relaxed) < 5)
    dprintf(2, "storm: drop_in: wrong: %s\n", what);
}

// A file of its own, which it cuts off itself.
class victim {
 public:
  explicit victim(uint64_t seed) : random_(seed) { file_.fill(random_); }

  void round() {
    file_.recut(random_);
    const bool writes = random_() % 4 == 0;
    auto* const at = static_cast<unsigned char*>(
        mmap(nullptr, file_.size(), writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file_.fd(), 0));
    CHILD_CHECK(at != MAP_FAILED);
    unsigned char* const missing = at + file_.good() + random_() % (file_.size() - file_.good());
    volatile unsigned char* const byte = missing;
    const unsigned char value = writes ? 0x77 : 0;
    if (writes) *byte = value;
    expect_equal(missing, &value, 1, "a byte that is missing");
    expect_equal(at, file_.model(), file_.good(), "what is left of a file");
    if (writes) *byte = 0;
    static const std::vector<unsigned char> g_zeros(file_.size());
    expect_equal(at + file_.good(), g_zeros.data(), file_.size() - file_.good(), "what is missing");
    g_faults.fetch_add(1, std::memory_order_relaxed);
    if (random_() % 4096 == 0) heal(at);
    CHILD_CHECK(munmap(at, file_.size()) == 0);
  }

 private:
  // Somebody looks at it every now and then.
  void heal(const unsigned char* at) {
    file_.fill(random_);
    for (int i = 0; i < 60'000 && memcmp(at, file_.model(), file_.size()) != 0; ++i) usleep(1000);
    expect_equal(at, file_.model(), file_.size(), "what has come back");
  }

  random_source random_;
  cut_file file_;
};

void publish() {
  g_counters->faults.store(g_faults, std::memory_order_relaxed);
  g_counters->signals.store(test::pester::g_signals, std::memory_order_relaxed);
}

// Each has a round at least: what is to be there for good is there afterwards.
void rage(std::vector<std::unique_ptr<victim>>& victims, uint64_t until, double seconds) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (auto& each : victims) {
    threads.emplace_back([&] {
      const test::pestered thread;
      do each->round();
      while (!stop);
    });
  }
  const auto end = clock_type::now() + std::chrono::duration<double>(seconds);
  while (g_faults < until && clock_type::now() < end) {
    usleep(2000);
    publish();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  publish();
}

// Once whoever heals has found that there is nothing left, and has gone.
size_t count_mappings() {
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  for (int i = 0; i < 60'000 && threads() > 1; ++i) usleep(1000);
  return test::count_vmas();
}

void compare(const char* what, size_t before, size_t after) {
  if (after <= before) return;
  g_counters->leaks.fetch_add(after - before, std::memory_order_relaxed);
  dprintf(2, "storm: drop_in: %zu %s have become %zu\n", before, what, after);
}

// No memory of a file.
void die_by_a_wild_pointer() {
  static const volatile int* volatile g_nowhere = reinterpret_cast<int*>(uintptr_t{64});
  (void)*g_nowhere;
}

double number(const char* variable) {
  const char* const text = getenv(variable);
  return text == nullptr ? 0 : atof(text);
}

}  // namespace

int main() {
  g_counters = inherited_counters();
  CHILD_CHECK(g_counters != nullptr);
  test::pester::begin(nullptr);
  std::vector<std::unique_ptr<victim>> victims;
  for (unsigned i = 0; i < 2; ++i) {
    victims.push_back(std::make_unique<victim>(static_cast<uint64_t>(number("NOSIGBUS_STORM_SEED")) + i));
  }
  const double seconds = number("NOSIGBUS_STORM_SECONDS");
  rage(victims, 2000, seconds);
  count_mappings();
  const size_t descriptors = test::count_descriptors(), mappings = count_mappings();
  rage(victims, static_cast<uint64_t>(number("NOSIGBUS_STORM_FAULTS")), seconds);
  compare("mappings", mappings, count_mappings());
  compare("descriptors", descriptors, test::count_descriptors());
  g_counters->stranger = killed_by_a_stranger(die_by_a_wild_pointer);
  return 0;
}
