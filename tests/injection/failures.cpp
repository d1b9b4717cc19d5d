// SPDX-License-Identifier: MIT
#include "failures.h"

#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "scenario.h"

namespace test {

namespace {

std::vector<int> failures_of(int number) {
  return all_of_them() ? all_failures(number) : plausible_failures(number);
}

// A call that looks often at the same thing fails the first few times.
constexpr size_t enough = 3;

// Not returning from a signal, nor ending; nor asking where the break is.
bool can_fail(const system_call& call) {
  switch (call.number) {
    case SYS_rt_sigreturn:
    case SYS_exit:
    case SYS_exit_group:
      return false;
    case SYS_brk:
      return call.arguments[0] != 0;
    default:
      return true;
  }
}
// What puts back a mask asks for none, and fails where that did which has blocked it.
bool fails_alone(const system_call& call) {
  return call.number != SYS_rt_sigprocmask || call.arguments[2] != 0;
}

// The C library's streams write what was not written again, and libelf reads again what was interrupted,
// without an end; a read of nothing is one to them.
bool is_for_libraries_below(const selection& of, const failure& how) {
  if (of.below.count(name_of_system_call(how.number)) == 0) return false;
  return how.error == short_result || (how.error == EINTR && !how.nth);
}

// Of the process, as the kernel has it.
unsigned long break_of(pid_t thread) {
  const std::string folder = "/proc/" + std::to_string(thread);
  std::ifstream maps(folder + "/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("[heap]") != std::string::npos)
      return std::stoul(line.substr(line.find('-') + 1), nullptr, 16);
  }
  // Where it begins, proc(5): the 47th field; the second one, in brackets, can have blanks.
  std::ifstream stat(folder + "/stat");
  std::string text;
  std::getline(stat, text);
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  for (int field = 3; field <= 47; ++field) fields >> text;
  return std::stoul(text);
}

}  // namespace

std::vector<failure> failures_for(const std::vector<system_call>& calls, const selection& of) {
  std::vector<failure> all;
  const auto add = [&](int number, std::optional<size_t> nth) {
    for (const int error : failures_of(number)) {
      const failure how{number, nth, error};
      if (!is_for_libraries_below(of, how)) all.push_back(how);
    }
  };
  std::map<int, size_t> seen, added;
  for (const system_call& call : calls) {
    const size_t before = seen[call.number]++;
    if (!can_fail(call)) continue;
    if (added[call.number]++ == 0) add(call.number, {});
    if (!of.all_alone || call.number == SYS_brk) continue;
    if ((before < enough || of.each_in_turn || all_of_them()) && fails_alone(call)) add(call.number, before);
  }
  return all;
}

std::optional<long> result_of_failed(pid_t thread, const system_call& call, int error) {
  if (!can_fail(call)) return {};
  // brk(2) leaves the break where it is, and says where that is.
  return call.number == SYS_brk ? static_cast<long>(break_of(thread)) : -error;
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

}  // namespace test
