// SPDX-License-Identifier: MIT
//
// What nosigbus_stats reports. Written by handlers and ordinary code, read by nosigbus_stats; relaxed,
// without a partner: each counter stands for itself.
#pragma once

#include <stdint.h>

#include <atomic>

namespace nosigbus {

struct counters {
  using counter = std::atomic<uint64_t>;
  static void add(counter& c) { c.fetch_add(1, std::memory_order_relaxed); }
  static void subtract(counter& c) { c.fetch_sub(1, std::memory_order_relaxed); }

  counter absorbed_by_region;
  counter absorbed_by_operation;
  counter absorbed_by_guard;
  counter overlays;
  counter chained;
  counter regions;
};

extern constinit counters g_counters;

}  // namespace nosigbus
