// SPDX-License-Identifier: MIT
//
// Inline atomics between threads, beside a page that somebody else takes away and gives back.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "support/child.h"
#include "support/entry.h"
#include "support/shared_file.h"

using namespace test;

namespace {

// Two pages of a file: the first stays, the second comes and goes.
struct ring {
  shared_file file{2 * page_size()};
  unsigned char* data = file.map(2 * page_size(), PROT_READ | PROT_WRITE);

  ring() { memset(data, 0, 2 * page_size()); }
  uint64_t* steady(size_t index) const { return reinterpret_cast<uint64_t*>(data) + 8 * index; }
  uint64_t* shaky(size_t index) const { return reinterpret_cast<uint64_t*>(data + page_size()) + 8 * index; }
};

// Runs work(thread) in four threads while the file is cut off and regrown.
template <class Work>
void under_truncation(ring& shared, Work work) {
  std::atomic<int> running{4};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      work(t);
      running.fetch_sub(1, std::memory_order_relaxed);
    });
  }
  while (running.load(std::memory_order_relaxed) > 0) {
    shared.file.resize(page_size());
    shared.file.resize(2 * page_size());
  }
  for (std::thread& thread : threads) thread.join();
}

bool known(int result) { return result == 0 || result == -EFAULT; }

}  // namespace

TEST_CASE("fetch_add loses nothing") {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              ring shared;
              auto* const narrow = reinterpret_cast<uint32_t*>(shared.steady(1));
              std::atomic<uint32_t> adds{0}, faults{0};
              under_truncation(shared, [&](int) {
                // Until the page has been met missing.
                for (int i = 0; i < 20000 || faults.load(std::memory_order_relaxed) == 0; ++i) {
                  uint64_t old = 0;
                  uint32_t old32 = 0;
                  CHILD_CHECK(nosigbus_safe_fetch_add64(shared.steady(0), 3, &old) == 0);
                  CHILD_CHECK(nosigbus_safe_fetch_add32(narrow, 5, &old32) == 0);
                  adds.fetch_add(1, std::memory_order_relaxed);
                  const int result = nosigbus_safe_fetch_add64(shared.shaky(0), 1, &old);
                  CHILD_CHECK(known(result));
                  if (result != 0) faults.fetch_add(1, std::memory_order_relaxed);
                }
              });
              const uint32_t n = adds.load(std::memory_order_relaxed);
              CHILD_CHECK(*shared.steady(0) == uint64_t{3} * n);
              CHILD_CHECK(*narrow == uint32_t{5} * n);
              return 0;
            },
            100) == exited(0));
}

TEST_CASE("compare_exchange and store_release make a lock") {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              ring shared;
              constexpr int rounds = 5000;
              auto* const lock = reinterpret_cast<uint32_t*>(shared.steady(0));
              // Guarded by the lock alone; atomic for ThreadSanitizer, which does not see the lock.
              std::atomic<uint64_t> counter{0};
              under_truncation(shared, [&](int thread) {
                for (int i = 0; i < rounds; ++i) {
                  for (uint32_t free = 0;; free = 0) {
                    const int result =
                        nosigbus_safe_compare_exchange32(lock, &free, static_cast<uint32_t>(thread) + 1);
                    CHILD_CHECK(result == 0 || result == 1);
                    if (result == 1) break;
                    CHILD_CHECK(free <= 4);
                    std::this_thread::yield();
                  }
                  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
                  uint64_t expected = 0;
                  const int result = nosigbus_safe_compare_exchange64(shared.shaky(0), &expected, 0);
                  CHILD_CHECK(result == 1 || (result == -EFAULT && expected == 0));
                  CHILD_CHECK(nosigbus_safe_store_release32(lock, 0) == 0);
                }
              });
              CHILD_CHECK(counter.load(std::memory_order_relaxed) == uint64_t{4} * rounds);
              return 0;
            },
            100) == exited(0));
}

TEST_CASE("exchange hands each value to one thread") {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              ring shared;
              constexpr uint64_t rounds = 20000;
              std::atomic<uint64_t> received{0};
              under_truncation(shared, [&](int thread) {
                uint64_t sum = 0, old = 0;
                for (uint64_t i = 0; i < rounds; ++i) {
                  CHILD_CHECK(nosigbus_safe_exchange64(shared.steady(0),
                                                       i * 4 + static_cast<uint64_t>(thread), &old) == 0);
                  sum += old;
                  CHILD_CHECK(known(nosigbus_safe_exchange64(shared.shaky(0), i, &old)));
                }
                received.fetch_add(sum, std::memory_order_relaxed);
              });
              const uint64_t n = 4 * rounds;
              CHILD_CHECK(received.load() + *shared.steady(0) == n * (n - 1) / 2);
              return 0;
            },
            100) == exited(0));
}

TEST_CASE("what is written before store_release is seen behind load_acquire") {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              ring shared;
              constexpr uint64_t rounds = 20000;
              std::thread producer([&] {
                for (uint64_t i = 1; i <= rounds; ++i) {
                  uint64_t seen = 0;
                  do {
                    CHILD_CHECK(nosigbus_safe_load_acquire64(shared.steady(1), &seen) == 0);
                  } while (seen != i - 1);
                  CHILD_CHECK(nosigbus_safe_store64(shared.steady(2), i * 7) == 0);
                  CHILD_CHECK(nosigbus_safe_store_release64(shared.steady(0), i) == 0);
                }
              });
              for (uint64_t i = 1; i <= rounds; ++i) {
                uint64_t seen = 0, value = 0;
                do {
                  CHILD_CHECK(nosigbus_safe_load_acquire64(shared.steady(0), &seen) == 0);
                } while (seen != i);
                CHILD_CHECK(nosigbus_safe_load64(shared.steady(2), &value) == 0 && value == i * 7);
                CHILD_CHECK(nosigbus_safe_store_release64(shared.steady(1), i) == 0);
              }
              producer.join();
              return 0;
            },
            100) == exited(0));
}
