// SPDX-License-Identifier: MIT
//
// Which system calls are made to fail, one after the other, and what they return then.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "system_calls.h"

namespace test {

// Which of the observed calls fail, and how: all with a number, or the nth of them, from 0 on. (Not the nth
// of all calls: whether malloc needs a brk(2) more depends on what the parent had.)
struct failure {
  int number;
  std::optional<size_t> nth;
  int error;  // or short_result
};

std::string describe(const failure& how);
std::string list(const std::vector<system_call>& calls);

struct selection {
  call_names below{};         // as scenario::below
  bool each_in_turn = false;  // fails: not only the first few calls of a kind
  bool all_alone = true;      // calls of a kind can be told from each other: one of them may fail by itself
};

// For calls that were made when nothing failed. NOSIGBUS_TEST_INJECTION=all: each, with each error.
std::vector<failure> failures_for(const std::vector<system_call>& calls, const selection& of);

// What a call of that thread returns that fails. Nothing: that one cannot.
std::optional<long> result_of_failed(pid_t thread, const system_call& call, int error);
// What malloc maps where brk(2) gives it nothing more, once at the least.
inline constexpr size_t instead_of_brk = size_t{1} << 20;

}  // namespace test
