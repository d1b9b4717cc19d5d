// SPDX-License-Identifier: MIT
//
// DSOs with rows that come and go while threads fault elsewhere.
#include "crowd.h"
#include "module.h"

using namespace life_cycle;
using test::exited, test::in_child, test::killed_by;

namespace {

unsigned char* as_address(const volatile unsigned char* missing) {
  return const_cast<unsigned char*>(missing);
}

void load_and_unload_rows(const member& self) {
  module plugin(NOSIGBUS_TEST_INLINE_PLUGIN);
  unsigned char out = 0x55;
  auto* const load = plugin.get<int(const unsigned char*, unsigned char*)>("plugin_load");
  CHILD_CHECK(load(as_address(self.missing()), &out) == -EFAULT && out == 0x55);
  const auto* const rows = plugin.get<const nosigbus_extable_row*()>("plugin_rows")();
  plugin.unload();
  CHILD_CHECK(nosigbus_extable_unregister(rows) == -ENOENT);
}

// What is at the same place afterwards may be another DSO's code, with other rows.
void load_and_unload_other_rows(const member& self) {
  module plugin(NOSIGBUS_TEST_EXTABLE_PLUGIN);
  CHILD_CHECK(plugin.get<int(const unsigned char*)>("plugin_load")(as_address(self.missing())) == -1);
  plugin.unload();
}

// One after the other.
void come_and_go(const member& self, size_t turn) {
  if (turn % 2 == 0) {
    load_and_unload_rows(self);
  } else {
    load_and_unload_other_rows(self);
  }
}

}  // namespace

TEST_CASE("DSOs with rows come and go while all threads fault" LIFE_CYCLE) {
  CHECK(in_child(
            [] {
              begin();
              const test::pestered thread;
              const member self(7);
              {
                const crowd others;
                for (size_t i = 0; i < cycles(300); ++i) come_and_go(self, i);
                others.go_on();
              }
              expect_no_leak(cycles(300) / 4, [&](size_t i) { come_and_go(self, i); });
              return 0;
            },
            100) == exited(0));
}

TEST_CASE("a fault that is nobody's kills while DSOs come and go" LIFE_CYCLE) {
  const auto die = [](int signo) {
    begin();
    const test::pestered thread;
    static const member g_self(7);
    const crowd others;
    std::thread([] {
      for (size_t i = 0;; ++i) come_and_go(g_self, i);
    }).detach();
    others.go_on();
    if (signo == SIGBUS) (void)*g_self.missing();
    static const volatile int* volatile g_nowhere = reinterpret_cast<int*>(uintptr_t{64});
    if (signo == SIGSEGV) (void)*g_nowhere;
    return 0;
  };
  for (size_t i = 0; i < 4; ++i) {
    CHECK(in_child([&] { return die(SIGBUS); }) == killed_by(SIGBUS));
    CHECK(in_child([&] { return die(SIGSEGV); }) == killed_by(SIGSEGV));
  }
}
