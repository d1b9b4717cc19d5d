// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>

#include "play.h"
#include "supervised.h"
#include "system_calls.h"

namespace test {

namespace {

std::vector<int> failures_of(int number) {
  return all_of_them() ? all_failures(number) : plausible_failures(number);
}

// A call that looks often at the same thing fails the first few times.
constexpr size_t enough = 3;

// Not returning from a signal, nor ending a thread; nor brk(2), whose failure is the same address as before:
// limits_test has that.
bool can_fail(const std::string& name) { return name != "rt_sigreturn" && name != "exit" && name != "brk"; }
// Every other one puts back what the one before it has blocked, and fails where that did.
bool fails_alone(const std::string& name, size_t before) {
  return name != "rt_sigprocmask" || before % 2 == 0;
}

// The C library's streams write what was not written again, and libelf reads again what was interrupted,
// without an end; a read of nothing is one to them.
bool is_for_libraries_below(const scenario& what, const failure& how) {
  if (what.below.count(name_of_system_call(how.number)) == 0) return false;
  return how.error == short_result || (how.error == EINTR && !how.nth);
}

std::vector<failure> failures_for(const scenario& what, const std::vector<system_call>& calls) {
  std::vector<failure> all;
  const auto add = [&](int number, std::optional<size_t> nth) {
    for (const int error : failures_of(number)) {
      const failure how{number, nth, error};
      if (!is_for_libraries_below(what, how)) all.push_back(how);
    }
  };
  std::map<int, size_t> seen;
  for (const system_call& call : calls) {
    const std::string name = name_of_system_call(call.number);
    if (!can_fail(name)) continue;
    const size_t before = seen[call.number]++;
    if (before == 0) add(call.number, {});
    if (what.other_threads) continue;
    if ((before < enough || what.each_in_turn || all_of_them()) && fails_alone(name, before))
      add(call.number, before);
  }
  return all;
}

std::string describe(const failure& how) {
  return (how.nth ? "call " + std::to_string(*how.nth) + " of " : "each ") + name_of_system_call(how.number) +
         ": " + (how.error == short_result ? "0" : strerrorname_np(how.error));
}

std::string list(const std::vector<system_call>& calls) {
  std::string text;
  for (const system_call& call : calls) text += name_of_system_call(call.number) + " ";
  return text;
}

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

// Threads wait for each other, or for their turn, at some times and not at others.
bool waits(int number) { return number == SYS_futex || number == SYS_nanosleep; }

void play_scenario(const scenario& what) {
  CAPTURE(what.name);
  const report plain = undisturbed(what);
  CAPTURE(list(plain.calls));
  for (const failure& how : failures_for(what, plain.calls)) {
    CAPTURE(describe(how));
    const report disturbed = supervise(what, how);
    CHECK((disturbed.failed > 0 || (what.other_threads && waits(how.number))));
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
