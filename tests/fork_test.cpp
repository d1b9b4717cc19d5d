// SPDX-License-Identifier: MIT
//
// fork beside threads that are at work in the library. Linked with the static library, where fork takes the
// library's locks in another order than in the shared one.
#include <doctest/doctest.h>
#include <nosigbus/runtime.h>

#include <atomic>
#include <thread>

#include "support/child.h"
#include "support/sampling.h"

using namespace test;

TEST_CASE("fork beside install and uninstall hangs nobody") {
  CHECK(in_child(
            [] {
              std::atomic<bool> stop{false};
              std::thread installer([&] {
                while (!stop) {
                  nosigbus_install(0);
                  nosigbus_uninstall();
                }
              });
              for (size_t i = 0; i < 1000; i += sampling()) {
                CHILD_CHECK(in_child([] { return nosigbus_install(0); }, 5) == exited(0));
              }
              stop = true;
              installer.join();
              return 0;
            },
            60) == exited(0));
}
