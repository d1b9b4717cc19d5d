// SPDX-License-Identifier: MIT
//
// System calls by name, and what each can plausibly fail with.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

namespace test {

using call_names = std::set<std::string>;

struct system_call {
  int number;
  uint64_t arguments[6];
};

// "#N" for a number that is in no list of names here.
std::string name_of_system_call(int number);
// Negative where there is none of that name.
int number_of_system_call(const std::string& name);

// What the call fails with, as its manual page or a filter has it. short_result: instead of an error it does
// nothing and returns 0, as at an end of file.
inline constexpr int short_result = 0;
std::vector<int> plausible_failures(int number);
// Every error that there is to try.
std::vector<int> all_failures(int number);

// The second column of the tables in docs/sandbox.md, by the first one, of all these rows together.
call_names documented_calls(const std::vector<std::string>& rows);

}  // namespace test
