// SPDX-License-Identifier: MIT
//
// The same for each way in which faults arrive.
#pragma once

#include <doctest/doctest.h>

#include "child.h"
#include "entry.h"

namespace test {

// Runs body in a child for each entry; it has to end as expected.
template <class Body, class Entries = decltype(entries)>
void in_each_entry(const outcome& expected, Body body, int seconds = 20, const Entries& all = entries) {
  for (const entry how : all) {
    CAPTURE(static_cast<int>(how));
    CHECK(in_child(
              [&] {
                enter_by(how);
                body();
                return 0;
              },
              seconds) == expected);
  }
}

}  // namespace test
