// SPDX-License-Identifier: MIT
//
// Plays scenarios one after the other, each as a test with checks of its own.
#pragma once

#include <vector>

#include "scenario.h"
#include "support/child.h"

namespace test {

// Each of the library's system calls fails in each plausible way (NOSIGBUS_TEST_INJECTION=all: with each
// error that there is). NOSIGBUS_TEST_SCENARIO: only those with this in their names.
void play_with_failures(const std::vector<scenario>& scenarios);

// Below a filter that kills for each system call that is not in the rows of docs/sandbox.md.
void play_within_listed_calls(const std::vector<scenario>& scenarios);
outcome play_filtered(const scenario& what, const call_names& names);

// As docs/sandbox.md has them.
void print_rows(const std::vector<scenario>& scenarios);

}  // namespace test
