// SPDX-License-Identifier: MIT
//
// DSOs with a copy of the library of their own. Nobody else may be in its handler when one goes.
#include <algorithm>

#include "crowd.h"
#include "module.h"

using namespace life_cycle;
using test::exited, test::in_child;

namespace {

enum class uses { operations, regions };

void with_copy(member& self, uses kind) {
  module plugin(NOSIGBUS_TEST_COPY_PLUGIN);
  unsigned char* const bad = const_cast<unsigned char*>(self.missing());
  CHILD_CHECK(plugin.get<int()>("copy_install")() == 0);
  // Its own handler is in front, and hands on what is not its own.
  CHILD_CHECK(plugin.get<int(const unsigned char*)>("copy_load")(bad) == -EFAULT);
  CHILD_CHECK(plugin.get<size_t(const unsigned char*, size_t)>("copy_read")(bad - 3, 9) == 3);
  self.meet_all();
  if (kind == uses::regions) {
    const test::shared_file file(test::page_size());
    CHILD_CHECK(plugin.get<int(int, size_t, size_t)>("copy_region")(file.fd(), 4 * test::page_size(),
                                                                    2 * test::page_size()) == 0);
  }
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
              expect_no_leak(cycles(300), [&](size_t) { with_copy(self, uses::operations); });
              return 0;
            },
            100) == exited(0));
}

constexpr size_t most_times = 2'000;  // or the limit of mappings is near

// What is never given back of the copy's regions (docs/reliability.md, "Limits"), and no more.
TEST_CASE("DSOs with a copy of the library that has had regions leave what is known" LIFE_CYCLE) {
  test::belongings each{};
  each.mappings = 4;
  each.mapped = size_t{400'000};
  CHECK(in_child(
            [&each] {
              begin();
              const test::pestered thread;
              member self(7);
              expect_no_leak(
                  std::min(cycles(300), most_times), [&](size_t) { with_copy(self, uses::regions); }, each);
              return 0;
            },
            100) == exited(0));
}
