// SPDX-License-Identifier: MIT
//
// Every public function and every path of the handler where a limit of the process has been reached, or the
// file system is an empty folder: what comes of it is as where the calls fail (injection_test), and when
// there is room again, it works.
//
// NOSIGBUS_TEST_INJECTION=all: all scenarios at the limit of mappings, too, which takes long to reach.
#include <doctest/doctest.h>
#include <nosigbus/runtime.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <set>

#include "scenario.h"
#include "support/child.h"
#include "support/crowd.h"
#include "support/empty_root.h"
#include "support/shared_file.h"

using namespace test;

namespace {

// Those with this in their names: NOSIGBUS_TEST_SCENARIO.
std::vector<scenario> all_scenarios() {
  std::vector<scenario> all;
  for (const auto& some : {handler_scenarios(), chain_scenarios(), region_scenarios(), process_scenarios()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
#ifdef NOSIGBUS_TEST_FIBER
  const auto fibers = fiber_scenarios();
  all.insert(all.end(), fibers.begin(), fibers.end());
#endif
  const char* const chosen = getenv("NOSIGBUS_TEST_SCENARIO");
  if (chosen != nullptr) {
    std::erase_if(all,
                  [chosen](const scenario& each) { return each.name.find(chosen) == std::string::npos; });
  }
  return all;
}

// Reached while something is observed.
struct limit {
  std::function<void()> reach, lift;
};

class narrow_stage : public stage {
 public:
  explicit narrow_stage(const limit& narrow) : limit_(narrow) {}

  void begin() override {
    if (narrow_) limit_.reach();
  }
  void end() override {
    if (narrow_) limit_.lift();
  }
  int judge(const answers& permitted, int answer) override {
    const auto& others = permitted.others;
    const bool other = std::find(others.begin(), others.end(), answer) != others.end();
    const bool documented = narrow_ && (other || (permitted.any_error && answer < 0));
    if (answer != permitted.expected && !documented) dprintf(2, "answered %d\n", answer);
    CHILD_CHECK(answer == permitted.expected || documented);
    return answer;
  }
  bool failing() const override { return narrow_; }
  bool mappings_failed() const override { return narrow_; }
  void widen() { narrow_ = false; }

 private:
  const limit& limit_;
  bool narrow_ = true;
};

// The stack grows no more where there is no room.
__attribute__((noinline)) void grow_stack() {
  volatile char room[size_t{256} << 10];
  for (size_t i = 0; i < sizeof room; i += 4096) room[i] = 0;
}

outcome expected_end(const scenario& what) { return what.dies_by != 0 ? killed_by(what.dies_by) : exited(0); }

// First where the limit is reached, then where it is not; prepare: what does not pass.
outcome play(const scenario& what, const limit& narrow, const std::function<void()>& prepare = {}) {
  return in_child([&] {
    if (prepare) prepare();
    if (what.dies_by == 0) catch_declined_faults();
    if (what.installed) CHILD_CHECK(nosigbus_install(0) == 0);
    grow_stack();
    narrow_stage stage(narrow);
    what.play(stage);
    if (!prepare) stage.widen();
    what.play(stage);
    return 0;
  });
}

void check_scenario(const scenario& what, const limit& narrow, const std::function<void()>& prepare = {}) {
  CAPTURE(what.name);
  CHECK(play(what, narrow, prepare) == expected_end(what));
}

limit resource_limit(__rlimit_resource resource, rlim_t soft) {
  static rlimit g_before;
  return {[=] {
            CHILD_CHECK(getrlimit(resource, &g_before) == 0);
            const rlimit reached{soft, g_before.rlim_max};
            CHILD_CHECK(setrlimit(resource, &reached) == 0);
          },
          [=] { CHILD_CHECK(setrlimit(resource, &g_before) == 0); }};
}

// One scenario of each row, and of those of each kind.
bool stands_for_others(const scenario& what, std::set<std::string>& seen) {
  const std::string kind = what.name.substr(0, what.name.find(':'));
  return seen.insert(kind + what.rows.front()).second;
}

bool can_change_root() {
  const bool can = in_child([] { return enter_empty_root() ? 0 : 1; }) == exited(0);
  if (!can) MESSAGE("skipped: the root folder cannot be changed here, nor a user namespace be had");
  return can;
}

}  // namespace

TEST_CASE("address space is used up") {
  const limit none = resource_limit(RLIMIT_AS, page_size());
  for (const scenario& what : all_scenarios()) check_scenario(what, none);
}

TEST_CASE("memory that can be written is used up") {
  const limit none = resource_limit(RLIMIT_DATA, 0);
  for (const scenario& what : all_scenarios()) check_scenario(what, none);
}

TEST_CASE("there is not one descriptor more") {
  const limit none = resource_limit(RLIMIT_NOFILE, 0);
  for (const scenario& what : all_scenarios()) check_scenario(what, none);
}

TEST_CASE("the stack may not grow") {
  const limit none = resource_limit(RLIMIT_STACK, page_size());
  for (const scenario& what : all_scenarios()) check_scenario(what, none);
}

TEST_CASE("the limit of mappings is reached") {
  if (!all_of_them() && !map_limit_is_near()) return;
  std::vector<scenario> some = all_scenarios();
  std::set<std::string> seen;
  if (!all_of_them())
    std::erase_if(some, [&](const scenario& each) { return !stands_for_others(each, seen); });
  // Gathered once, in a process of which those that play are forked.
  CHECK(in_child(
            [&] {
              crowd all;
              all.gather();
              const limit reached{[&] { all.fill(); }, [&] { all.leave(); }};
              for (const scenario& what : some) {
                if (play(what, reached) == expected_end(what)) continue;
                dprintf(2, "at the limit of mappings: %s\n", what.name.c_str());
                return 1;
              }
              return 0;
            },
            300) == exited(0));
}

TEST_CASE("the root is an empty folder without proc and dev") {
  if (!can_change_root()) return;
  const limit nothing{[] {}, [] {}};
  for (const scenario& what : all_scenarios()) {
    // That needs a folder to mount it over.
    if (what.name.find("full file system") != std::string::npos) continue;
    check_scenario(what, nothing, [] { CHILD_CHECK(enter_empty_root()); });
  }
}
