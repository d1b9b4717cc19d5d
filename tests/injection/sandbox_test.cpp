// SPDX-License-Identifier: MIT
//
// Each path of the handler and each public function below a filter that allows the system calls that
// docs/sandbox.md lists for it, and kills for every other one.
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <nosigbus/runtime.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "scenario.h"
#include "support/child.h"
#include "support/poison.h"
#include "system_calls.h"

using namespace test;

namespace {

constexpr int answered_otherwise = 98;

void allow_only(const call_names& names) {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  const auto allow = [&program](int number) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  };
  for (const std::string& name : names) {
    CHILD_CHECK(number_of_system_call(name) >= 0);
    allow(number_of_system_call(name));
  }
  allow(SYS_exit_group);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHILD_CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0);
}

// The process ends with what is observed.
class filtered_stage : public stage {
 public:
  explicit filtered_stage(call_names names) : names_(std::move(names)) {}

  int observe(const answers& permitted, const std::function<int()>& act) override {
    allow_only(names_);
    const int answer = act();
    _exit(answer == permitted.expected ? 0 : answered_otherwise);
  }
  bool failing() const override { return false; }
  bool mappings_failed() const override { return false; }

 private:
  const call_names names_;
};

outcome play_filtered(const scenario& what, const call_names& names) {
  return in_child([&] {
    if (what.dies_by == 0) catch_declined_faults();
    if (what.installed) CHILD_CHECK(nosigbus_install(0) == 0);
    filtered_stage stage(names);
    what.play(stage);
    return 0;
  });
}

void play_all(const std::vector<scenario>& scenarios) {
  for (const scenario& what : scenarios) {
    CAPTURE(what.name);
    const outcome expected = what.dies_by != 0 ? killed_by(what.dies_by) : exited(0);
    CHECK(play_filtered(what, documented_calls(what.rows)) == expected);
  }
}

scenario named(const std::vector<scenario>& all, const std::string& name) {
  for (const scenario& each : all) {
    if (each.name == name) return each;
  }
  FAIL(name);
  return {};
}

}  // namespace

TEST_CASE("the handler absorbs within the calls that are listed") { play_all(handler_scenarios()); }
TEST_CASE("the handler hands on and kills within the calls that are listed") { play_all(chain_scenarios()); }
TEST_CASE("regions do with the calls that are listed") { play_all(region_scenarios()); }
TEST_CASE("events and chains and rows do with the calls that are listed") { play_all(process_scenarios()); }

#ifdef NOSIGBUS_TEST_FIBER
TEST_CASE("fibers do with the calls that are listed") { play_all(fiber_scenarios()); }
#endif
TEST_CASE("poison is absorbed within the calls that are listed") {
  if (can_poison()) play_all({poison_scenario()});
}

TEST_CASE("the filter kills for a call that is not allowed") {
  const scenario read = named(handler_scenarios(), "read: mapped");
  call_names names = documented_calls(read.rows);
  for (const char* const needed : {"rt_sigprocmask", "fstat", "rt_sigreturn"}) {
    CAPTURE(needed);
    call_names fewer = names;
    fewer.erase(needed);
    CHECK(play_filtered(read, fewer) == killed_by(SIGSYS));
  }
}

TEST_CASE("a guarded operation needs no call but the return from the signal") {
  const std::vector<scenario> all = handler_scenarios();
  CHECK(play_filtered(named(all, "safe_read"), {"rt_sigreturn"}) == exited(0));
  CHECK(play_filtered(named(all, "guard"), {"rt_sigreturn"}) == exited(0));
}
