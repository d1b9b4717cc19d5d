// SPDX-License-Identifier: MIT
//
// Threads that meet faults by each mechanism, with signals at 10 kHz, for as long as something else goes on.
// For code in children.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <nosigbus/nosigbus.hpp>
#include <thread>

#include "../storm/cut_file.h"
#include "../support/belongings.h"
#include "../support/make_region.h"
#include "../support/pester.h"

namespace life_cycle {

using storms::cut_file, storms::page;

// How often something is done: so often, or NOSIGBUS_TEST_CYCLES.
inline size_t cycles(size_t usual) {
  static const char* const text = getenv("NOSIGBUS_TEST_CYCLES");
  return text != nullptr ? strtoul(text, nullptr, 10) : usual;
}

// One thread's files, and a fault of each mechanism in them.
class member {
 public:
  static constexpr int kinds = 4;

  explicit member(uint64_t seed)
      : random_(seed),
        region_(test::make_region(test::origin::mapped, file_.fd(), 0, file_.size(), PROT_READ, 0)) {
    file_.recut(random_);
  }

  void meet(int kind) {
    const unsigned char* const bad = file_.at() + file_.good();
    switch (kind) {
      case 0: {
        uint64_t value = 5;
        CHILD_CHECK(nosigbus_safe_load64(bad, &value) == -EFAULT && value == 5);
        break;
      }
      case 1: {
        unsigned char bytes[2 * cut_file::pages];
        CHILD_CHECK(nosigbus_safe_read(bytes, bad - cut_file::pages, sizeof bytes) == cut_file::pages);
        CHILD_CHECK(memcmp(bytes, file_.model() + file_.good() - cut_file::pages, cut_file::pages) == 0);
        break;
      }
      case 2: {
        const auto result =
            nosigbus::guard([bad] { return *const_cast<const volatile unsigned char*>(bad); });
        CHILD_CHECK(!result && result.fault().address == reinterpret_cast<uintptr_t>(bad));
        break;
      }
      default:
        CHILD_CHECK(test::peek(region_, file_.good()) == 0);
        file_.fill(random_);
        CHILD_CHECK(region_.refresh() == 1);
        CHILD_CHECK(memcmp(region_.data(), file_.model(), file_.size()) == 0);
        file_.recut(random_);
        break;
    }
  }
  void meet_all() {
    for (int kind = 0; kind < kinds; ++kind) meet(kind);
  }
  // A byte that is missing, for those who want to read it by themselves.
  const volatile unsigned char* missing() const { return file_.at() + file_.good(); }

 private:
  storms::random_source random_;
  cut_file file_;
  nosigbus::region region_;
};

// A thread for each mechanism.
class crowd {
 public:
  crowd() {
    for (int kind = 0; kind < member::kinds; ++kind) {
      threads_.emplace_back([this, kind] {
        const test::pestered thread;
        member self(static_cast<uint64_t>(kind) + 1);
        while (!stop_.load(std::memory_order_relaxed)) {
          self.meet(kind);
          met_[kind].fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
    go_on();
  }
  ~crowd() {
    stop_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads_) thread.join();
  }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;

  // Waits until each of them has met some more.
  void go_on(uint64_t more = 5) const {
    for (const std::atomic<uint64_t>& met : met_) {
      for (const uint64_t before = met; met < before + more;) usleep(100);
    }
  }
  // One that nobody stops, until the process is gone.
  static const crowd& for_ever() { return *new crowd; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> met_[member::kinds]{};
  std::vector<std::thread> threads_;
};

// At the beginning of a process.
inline void begin() {
  CHILD_CHECK(nosigbus_install(0) == 0);
  test::pester::begin(test::pester::meet_in_guard);
}

// Does something so often, and compares what there is after the first few times with what there is in the
// end; threads that may work meanwhile stand still then. each: what there may be more after each time.
template <class Do>
void expect_no_leak(size_t times, Do once, const test::belongings& each = {}) {
  constexpr size_t first = 12;
  for (size_t i = 0; i < first; ++i) once(i);
  auto before = test::belongings::take();
  for (size_t i = first; i < first + times; ++i) once(i);
  const auto after = test::belongings::take();
  before.mappings += times * each.mappings;
  before.mapped += times * each.mapped;
  if (!after.grown_since(before)) return;
  dprintf(2, "more than before: %zd mappings, %zd descriptors, %zd bytes of the heap, %zd mapped bytes\n",
          after.mappings - before.mappings, after.descriptors - before.descriptors, after.heap - before.heap,
          static_cast<ssize_t>(after.mapped - before.mapped));
  _exit(97);
}

}  // namespace life_cycle

#include <doctest/doctest.h>

#include "../support/no_qemu.h"
#include "../support/no_tsan.h"

#define LIFE_CYCLE NO_QEMU("threads in turns, and no timers of threads") NO_TSAN("signals wait there")
