// SPDX-License-Identifier: MIT
//
// What stands at the caller's place: guards, guarded loads and stores, brackets.
#include <nosigbus/copy.h>
#include <nosigbus/guard.h>
#include <nosigbus/inline.h>
#include <nosigbus/recovery.h>

#include <nosigbus/guard.hpp>

#include "hot_path.h"

namespace instructions {

namespace {

uint64_t g_word = 5;
volatile uint64_t g_sink;

int nothing(void*) { return 7; }

int decline(nosigbus_recovery_point*, void*) { return NOSIGBUS_DECLINE; }

}  // namespace

std::vector<hot_path> guards_and_loads() {
  std::vector<hot_path> paths;
  const auto add = [&paths](const char* name, auto run) { paths.push_back({name, [] {}, repeated(run)}); };
  add("safe_load32", [] {
    uint32_t value;
    if (nosigbus_safe_load32(&g_word, &value) == 0) g_sink = value;
  });
  add("safe_load64", [] {
    uint64_t value;
    if (nosigbus_safe_load64(&g_word, &value) == 0) g_sink = value;
  });
  add("safe_store64", [] { g_sink = static_cast<uint64_t>(nosigbus_safe_store64(&g_word, 5)); });
  add("safe_fetch_add64", [] {
    uint64_t before;
    if (nosigbus_safe_fetch_add64(&g_word, 0, &before) == 0) g_sink = before;
  });
  add("safe_compare_exchange64", [] {
    uint64_t expected = 5;
    g_sink = static_cast<uint64_t>(nosigbus_safe_compare_exchange64(&g_word, &expected, 5));
  });
  add("nosigbus_guard, entered and left", [] {
    nosigbus_fault fault;
    g_sink = static_cast<uint64_t>(nosigbus_guard(nothing, nullptr, nullptr, 0, &fault));
  });
  add("nosigbus::guard, entered and left", [] { g_sink = *nosigbus::guard([] { return 7; }); });
  add("recovery point, begun and ended", [] {
    nosigbus_recovery_point point{};
    point.recover = decline;
    nosigbus_recovery_begin(&point);
    nosigbus_recovery_end(&point);
  });
  add("last_fault", [] { g_sink = nosigbus_last_fault()->address; });
  return paths;
}

}  // namespace instructions
