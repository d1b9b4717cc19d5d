// SPDX-License-Identifier: MIT
//
// nosigbus::backtrace where its system calls fail, and within those that docs/sandbox.md lists.
#include <doctest/doctest.h>

#include "backtrace_scenarios.h"
#include "play.h"

using namespace test;

TEST_CASE("failing system calls of chains and of their names") { play_with_failures(backtrace_scenarios()); }
TEST_CASE("chains and their names do with the calls that are listed") {
  play_within_listed_calls(backtrace_scenarios());
}
TEST_CASE("rows for docs/sandbox.md" * doctest::skip()) { print_rows(backtrace_scenarios()); }
