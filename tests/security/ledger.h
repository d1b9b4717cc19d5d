// SPDX-License-Identifier: MIT
//
// The table of docs/security.md: each test says what an act cost, checks it against a bound, and where
// NOSIGBUS_SECURITY_ROWS names a file, adds a row to it (scripts/security-table).
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "support/meter.h"

namespace test {

// Of the columns.
struct bounds {
  uint64_t signals = 0, page_faults = 0, calls = 0, calls_at_most = 0;
  long mappings = 0, descriptors = 0, memory = 0;
  uint64_t events = 0;
};

// Page faults of code and stack that are used for the first time.
inline constexpr uint64_t few = 80;
// That much of anonymous memory is nobody's: the stack, tables of pages that are counted in batches.
inline constexpr long noise = 64;

// Of each number the higher one.
measured worse(const measured& one, const measured& other);

// cost.counted is the number of events.
void enter(const std::string& act, const measured& found, const bounds& most);

}  // namespace test
