// SPDX-License-Identifier: MIT
//
// Each path of the handler and each public function below a filter that allows the system calls that
// docs/sandbox.md lists for it, and kills for every other one.
#include <doctest/doctest.h>
#include <signal.h>

#include "play.h"
#include "support/poison.h"

using namespace test;

namespace {

scenario named(const std::vector<scenario>& all, const std::string& name) {
  for (const scenario& each : all) {
    if (each.name == name) return each;
  }
  FAIL(name);
  return {};
}

}  // namespace

TEST_CASE("the handler absorbs within the calls that are listed") {
  play_within_listed_calls(handler_scenarios());
}
TEST_CASE("the handler hands on and kills within the calls that are listed") {
  play_within_listed_calls(chain_scenarios());
}
TEST_CASE("regions do with the calls that are listed") { play_within_listed_calls(region_scenarios()); }
TEST_CASE("events and chains and rows do with the calls that are listed") {
  play_within_listed_calls(process_scenarios());
}

#ifdef NOSIGBUS_TEST_FIBER
TEST_CASE("fibers do with the calls that are listed") { play_within_listed_calls(fiber_scenarios()); }
#endif
TEST_CASE("poison is absorbed within the calls that are listed") {
  if (can_poison()) play_within_listed_calls({poison_scenario()});
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
