// SPDX-License-Identifier: MIT
//
// DSOs with a copy of the library of their own. Nobody else may be in its handler when one goes.
#include "crowd.h"
#include "module.h"

using namespace life_cycle;
using test::exited, test::in_child;

namespace {

void with_copy(member& self) {
  module plugin(NOSIGBUS_TEST_COPY_PLUGIN);
  unsigned char* const bad = const_cast<unsigned char*>(self.missing());
  CHILD_CHECK(plugin.get<int()>("copy_install")() == 0);
  // Its own handler is in front, and hands on what is not its own.
  CHILD_CHECK(plugin.get<int(const unsigned char*)>("copy_load")(bad) == -EFAULT);
  CHILD_CHECK(plugin.get<size_t(const unsigned char*, size_t)>("copy_read")(bad - 3, 9) == 3);
  self.meet_all();
  CHILD_CHECK(plugin.get<int()>("copy_uninstall")() == 0);
  plugin.unload();
  self.meet_all();
}

}  // namespace

TEST_CASE("DSOs with a copy of the library come and go" LIFE_CYCLE) {
  CHECK(in_child(
            [] {
              begin();
              const test::pestered thread;
              member self(7);
              expect_no_leak(cycles(300), [&](size_t) { with_copy(self); });
              return 0;
            },
            100) == exited(0));
}
