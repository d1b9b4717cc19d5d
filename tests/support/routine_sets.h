// SPDX-License-Identifier: MIT
//
// Runs what goes through assembly with every set of routines that this processor has, by both entries. For
// tests with access to what is inside.
#pragma once

#include <doctest/doctest.h>

#include "arena.h"
#include "use_set.h"

namespace test {

// The names of the sets of every port.
inline constexpr const char* routine_sets[] = {"sse2", "avx2", "avx512", "neon", "generic"};

// Runs body(kind) in a child for each combination of set, entry and badness, and with a region about.
template <class Body>
void with_each_set(Body body) {
  int sets = 0;
  for (const char* const name : routine_sets) {
    if (!use_set(name)) continue;
    ++sets;
    for (const entry how : entries) {
      for (const badness kind : all_badness) {
        CAPTURE(name);
        CAPTURE(static_cast<int>(how));
        CAPTURE(static_cast<int>(kind));
        const outcome result = in_child(
            [&] {
              enter_by(how, NOSIGBUS_CATCH_SEGV);
              body(kind);
              return 0;
            },
            200);
        CHECK(result == exited(0));
      }
    }
    CHECK(in_child(
              [&] {
                enter_by(entry::installed, NOSIGBUS_CATCH_SEGV);
                make_a_region();
                body(badness::truncated);
                return 0;
              },
              200) == exited(0));
  }
  CHECK(sets > 0);
}

}  // namespace test
