// SPDX-License-Identifier: MIT
//
// Each system call of the library fails in each plausible way: what comes of it is a documented error, or the
// fault reaches whoever would have had it without the library. Nothing is lost, nothing leaks, and the next
// time it works.
//
// NOSIGBUS_TEST_INJECTION=all: every error for every call.
#include <doctest/doctest.h>

#include "play.h"

using namespace test;

TEST_CASE("failing system calls of the handler that absorbs") { play_with_failures(handler_scenarios()); }
TEST_CASE("failing system calls of the handler that hands on") { play_with_failures(chain_scenarios()); }
TEST_CASE("failing system calls of regions") { play_with_failures(region_scenarios()); }
TEST_CASE("failing system calls of the process") { play_with_failures(process_scenarios()); }
#ifdef NOSIGBUS_TEST_FIBER
TEST_CASE("failing system calls of fibers") { play_with_failures(fiber_scenarios()); }
#endif

// injection_test -ns -tc='rows for docs/sandbox.md'
TEST_CASE("rows for docs/sandbox.md" * doctest::skip()) {
  for (const auto& scenarios :
       {handler_scenarios(), chain_scenarios(), region_scenarios(), process_scenarios()}) {
    print_rows(scenarios);
  }
}
