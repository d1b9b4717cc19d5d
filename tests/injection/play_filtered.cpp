// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <nosigbus/runtime.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "play.h"
#include "support/child.h"
#include "system_calls.h"

namespace test {

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

  void begin() override { allow_only(names_); }
  void end() override {}
  int judge(const answers& permitted, int answer) override {
    _exit(answer == permitted.expected ? 0 : answered_otherwise);
  }
  bool failing() const override { return false; }
  bool mappings_failed() const override { return false; }

 private:
  const call_names names_;
};

}  // namespace

outcome play_filtered(const scenario& what, const call_names& names) {
  return in_child([&] {
    if (what.dies_by == 0) catch_declined_faults();
    if (what.installed) CHILD_CHECK(nosigbus_install(0) == 0);
    call_names allowed = names;
    allowed.insert(what.foreign.begin(), what.foreign.end());
    filtered_stage stage(allowed);
    what.play(stage);
    return 0;
  });
}

void play_within_listed_calls(const std::vector<scenario>& scenarios) {
  for (const scenario& what : scenarios) {
    CAPTURE(what.name);
    const outcome expected = what.dies_by != 0 ? killed_by(what.dies_by) : exited(0);
    CHECK(play_filtered(what, documented_calls(what.rows)) == expected);
  }
}

}  // namespace test
