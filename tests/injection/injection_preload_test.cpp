// SPDX-License-Identifier: MIT
//
// The drop-in where its system calls fail. For a process that is below it; CMakeLists.txt says how.
#include <doctest/doctest.h>

#include <cstdlib>

#include "play.h"
#include "preload_scenarios.h"

using namespace test;

TEST_CASE("failing system calls of faults and mappings below the drop-in") {
  play_with_failures(preload_scenarios());
}
TEST_CASE("failing system calls of a handler that is completed") {
  play_with_failures(preload_handler_scenarios());
}
TEST_CASE("failing system calls of errands below the drop-in") {
  play_with_failures(preload_errand_scenarios());
}
TEST_CASE("failing system calls of what is noted in the journal") {
  const char* const backtrace = getenv("NOSIGBUS_BACKTRACE");
  if (backtrace != nullptr && *backtrace == '1' && !all_of_them()) {
    MESSAGE("skipped without NOSIGBUS_TEST_INJECTION=all: each fault waits until its callers are known");
    return;
  }
  play_with_failures(preload_journal_scenarios());
}
TEST_CASE("rows for docs/sandbox.md" * doctest::skip()) { print_rows(preload_scenarios()); }
TEST_CASE("rows for docs/sandbox.md of handlers" * doctest::skip()) {
  print_rows(preload_handler_scenarios());
}
