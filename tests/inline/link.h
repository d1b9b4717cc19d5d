// SPDX-License-Identifier: MIT
#pragma once

#include <nosigbus/nosigbus.hpp>

// In both halves, and in both not inlined: one copy is kept.
template <int>
__attribute__((noinline)) int shared_function(const uint64_t* from) {
  uint64_t value;
  return nosigbus_safe_load64(from, &value) == 0 ? static_cast<int>(value) : -1;
}

int other_half(const uint64_t* from);

// What operations bring, and leave alone, where optimisers have had reason to err.
bool values_are_right();
