// SPDX-License-Identifier: MIT
//
// What an input reached, for libFuzzer, where it is not to be seen from the branches taken: in assembly, in
// other processes, in the kernel.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fuzz {

// libFuzzer reads them beside its own (FuzzerExtraCountersLinux.cpp).
inline constexpr size_t features_count = 1 << 12;
__attribute__((section("__libfuzzer_extra_counters"), used)) inline uint8_t g_features[features_count];

inline uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  return value ^ (value >> 29);
}

// The input had this combination of properties.
template <class... Property>
void reached(Property... all) {
  uint64_t hash = 0;
  ((hash = mix(hash * 31 + static_cast<uint64_t>(all) + 1)), ...);
  g_features[hash % features_count] = 1;
}

// Of a size: its number of bits.
inline unsigned magnitude(uint64_t value) {
  return value == 0 ? 0 : 64 - static_cast<unsigned>(__builtin_clzll(value));
}

}  // namespace fuzz
