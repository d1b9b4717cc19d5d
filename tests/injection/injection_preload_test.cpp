// SPDX-License-Identifier: MIT
//
// The drop-in where its system calls fail. For a process that is below it; CMakeLists.txt says how.
#include <doctest/doctest.h>

#include "play.h"
#include "preload_scenarios.h"

using namespace test;

TEST_CASE("failing system calls of faults and mappings below the drop-in") {
  play_with_failures(preload_scenarios());
}
TEST_CASE("failing system calls of a handler that is completed") {
  play_with_failures(preload_handler_scenarios());
}
TEST_CASE("rows for docs/sandbox.md" * doctest::skip()) { print_rows(preload_scenarios()); }
TEST_CASE("rows for docs/sandbox.md of handlers" * doctest::skip()) {
  print_rows(preload_handler_scenarios());
}
