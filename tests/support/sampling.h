// SPDX-License-Identifier: MIT
//
// Matrices and storms that take too long where faults are slow (under emulation).
#pragma once

#include <cstddef>
#include <cstdlib>

namespace test {

// One of so many positions is tried: NOSIGBUS_TEST_SAMPLING, by default 1.
inline size_t sampling() {
  static const char* const text = getenv("NOSIGBUS_TEST_SAMPLING");
  static const size_t step = text != nullptr ? strtoul(text, nullptr, 10) : 1;
  return step;
}

}  // namespace test
