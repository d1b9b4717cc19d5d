// SPDX-License-Identifier: MIT
//
// The code of those whose interface it is, where it is installed, in the same scenarios.
#pragma once

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <optional>
#include <span>

#include "support/child.h"

namespace adapters {

// What becomes of a scenario over nosigbus, and with the original: nullopt where that depends on chance, or
// on the machine.
template <class Calls>
struct scenario {
  const char* name;
  int (*run)(const Calls& calls);
  test::outcome ours;
  std::optional<test::outcome> original;
};

template <class Calls>
void compare(std::span<const scenario<Calls>> scenarios, const Calls& ours, const Calls* original) {
  for (const auto& scenario : scenarios) {
    INFO(scenario.name);
    CHECK(test::in_child([&] { return scenario.run(ours); }) == scenario.ours);
    if (original == nullptr || !scenario.original) continue;
    INFO("the original");
    CHECK(test::in_child([&] { return scenario.run(*original); }) == *scenario.original);
  }
}

// A function of a library that was loaded; the library has it.
template <class Function>
void find(void* library, const char* name, Function*& out) {
  void* const found = dlsym(library, name);
  REQUIRE(found != nullptr);
  out = reinterpret_cast<Function*>(found);
}

}  // namespace adapters
