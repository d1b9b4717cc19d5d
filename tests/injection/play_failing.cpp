// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "failures.h"
#include "play.h"
#include "supervised.h"
#include "system_calls.h"

namespace test {

namespace {

outcome expected_end(const scenario& what) { return what.dies_by != 0 ? killed_by(what.dies_by) : exited(0); }

// What an undisturbed run does, and that it is right.
report undisturbed(const scenario& what) {
  const report plain = supervise(what);
  CHECK(plain.end == expected_end(what));
  CHECK(plain.complaint == "");
  const call_names listed = documented_calls(what.rows);
  for (const system_call& call : plain.calls) {
    const std::string name = name_of_system_call(call.number);
    CAPTURE(name);
    CHECK(listed.count(name) == 1);
  }
  return plain;
}

// Threads wait for each other, or for their turn, at some times and not at others; malloc may have enough.
// And other threads come so far as busy processors let them.
bool comes_at_times(const scenario& what, int number, const report& disturbed) {
  const auto is_it = [number](const system_call& each) { return each.number == number; };
  const bool came = std::any_of(disturbed.calls.begin(), disturbed.calls.end(), is_it);
  return number == SYS_brk || (what.wakes_others && number == SYS_futex) || (what.other_threads && !came);
}

void play_scenario(const scenario& what) {
  CAPTURE(what.name);
  const report plain = undisturbed(what);
  CAPTURE(list(plain.calls));
  for (const failure& how : failures_for(plain.calls, {what.below, what.each_in_turn, !what.other_threads})) {
    CAPTURE(describe(how));
    const report disturbed = supervise(what, how);
    CHECK((disturbed.failed > 0 || comes_at_times(what, how.number, disturbed)));
    CHECK(disturbed.end == expected_end(what));
    CHECK(disturbed.complaint == "");
    CHECK(disturbed.left.mapped <= plain.left.mapped + disturbed.unmappable);
    CHECK(disturbed.left.descriptors <= plain.left.descriptors + disturbed.unclosable);
  }
}

}  // namespace

void play_with_failures(const std::vector<scenario>& scenarios) {
  const char* const chosen = getenv("NOSIGBUS_TEST_SCENARIO");
  for (const scenario& what : scenarios) {
    if (chosen == nullptr || what.name.find(chosen) != std::string::npos) play_scenario(what);
  }
}

void print_rows(const std::vector<scenario>& scenarios) {
  std::map<std::string, call_names> rows;
  for (const scenario& what : scenarios) {
    const report plain = supervise(what);
    printf("%-90s %3zu calls %s\n", what.name.c_str(), plain.calls.size(), plain.complaint.c_str());
    for (const system_call& call : plain.calls)
      rows[what.rows.front()].insert(name_of_system_call(call.number));
  }
  for (const auto& [row, names] : rows) {
    printf("| %s |", row.c_str());
    const char* before = " ";
    for (const std::string& name : names) {
      printf("%s`%s`", before, name.c_str());
      before = ", ";
    }
    printf(" |\n");
  }
}

}  // namespace test
