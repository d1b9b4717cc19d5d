// SPDX-License-Identifier: MIT
#include "started.h"

#include <linux/futex.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>

#include "notifications.h"
#include "start_subject.h"

namespace test {

namespace {

class start_supervisor {
 public:
  start_supervisor(const std::optional<start_failure>& what, start_report& out) : what_(what), out_(out) {}

  std::optional<long> decide(pid_t thread, const system_call& call) {
    ++all_;
    process& by = find(thread);
    const std::optional<long> result =
        by.now == phase::observed ? observe(thread, by.who, call) : std::nullopt;
    if (!result) pass_by(by, call);
    return result;
  }
  bool goes_on() {
    constexpr size_t endless = 20'000;
    out_.endless = all_ >= endless;
    return !out_.endless;
  }

 private:
  // Loaded is what the loader has given back its cache for.
  enum class phase { loading, limits_known, observed, left_alone };
  struct process {
    caller who;
    phase now;
  };

  // The first one is the tool, what that makes becomes the program; what else there may be is the program's.
  process& find(pid_t thread) {
    const auto known = processes_.find(thread);
    if (known != processes_.end()) return known->second;
    const process fresh = processes_.empty()       ? process{caller::tool, phase::left_alone}
                          : processes_.size() == 1 ? process{caller::child_before_exec, phase::observed}
                                                   : process{caller::drop_in, phase::left_alone};
    return processes_.emplace(thread, fresh).first->second;
  }

  std::optional<long> observe(pid_t thread, caller who, const system_call& call) {
    if (is_beginning(call) || is_of_libraries(call)) return {};
    std::optional<long> result;
    if (is_to_fail(who, call)) result = result_of_failed(thread, call, what_->how.error);
    if (result) ++out_.failed;
    out_.calls[who].push_back(call);
    return result;
  }

  bool is_to_fail(caller who, const system_call& call) {
    if (!what_ || what_->who != who || what_->how.number != call.number) return false;
    const auto is_same = [&](const system_call& before) { return before.number == call.number; };
    const auto& before = out_.calls[who];
    return !what_->how.nth || std::count_if(before.begin(), before.end(), is_same) ==
                                  static_cast<std::ptrdiff_t>(*what_->how.nth);
  }

  // Where waking its own fails, the C library ends the process.
  static bool is_of_libraries(const system_call& call) {
    return call.number == SYS_futex && call.arguments[1] == FUTEX_WAKE_PRIVATE;
  }
  static bool is_beginning(const system_call& call) {
    return call.number == SYS_fcntl && static_cast<int>(call.arguments[0]) == START_SUBJECT_HAS_BEGUN;
  }

  // What the kernel does tells how far a process is.
  static void pass_by(process& by, const system_call& call) {
    if (call.number == SYS_execve) {
      if (by.who == caller::child_before_exec) by.who = caller::drop_in;
      by.now = phase::loading;
    } else if (by.now == phase::loading && call.number == SYS_prlimit64 &&
               call.arguments[1] == RLIMIT_STACK) {
      by.now = phase::limits_known;
    } else if (by.now == phase::limits_known && call.number == SYS_munmap) {
      by.now = phase::observed;
    } else if (is_beginning(call)) {
      by.now = phase::left_alone;
    }
  }

  const std::optional<start_failure>& what_;
  start_report& out_;
  std::map<pid_t, process> processes_;
  size_t all_ = 0;
};

}  // namespace

std::string name_of(caller who) {
  constexpr const char* names[] = {"nosigbus-run", "its child before the program", "the drop-in"};
  return names[static_cast<int>(who)];
}

start_report start_supervised(const words& arguments, const std::optional<start_failure>& what) {
  start_report out;
  notifications asked;
  tool run(arguments, {{"NOSIGBUS_PRELOAD", NOSIGBUS_TEST_LIBRARY}}, [&asked] { asked.ask(); });
  start_supervisor all(what, out);
  const auto decide = [&all](pid_t thread, const system_call& call) { return all.decide(thread, call); };
  asked.answer(
      decide, [&all] { return all.goes_on(); }, 15'000);
  out.result = run.finish(5);
  return out;
}

}  // namespace test
