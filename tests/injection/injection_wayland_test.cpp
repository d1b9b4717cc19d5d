// SPDX-License-Identifier: MIT
//
// nosigbus::wayland where its system calls fail, and within those that docs/sandbox.md lists.
#include <doctest/doctest.h>

#include "play.h"
#include "wayland_scenarios.h"

using namespace test;

TEST_CASE("failing system calls of views and watches") { play_with_failures(wayland_scenarios()); }
TEST_CASE("views and watches do with the calls that are listed") {
  play_within_listed_calls(wayland_scenarios());
}
TEST_CASE("rows for docs/sandbox.md" * doctest::skip()) { print_rows(wayland_scenarios()); }
