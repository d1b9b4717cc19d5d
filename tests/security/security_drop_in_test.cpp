// SPDX-License-Identifier: MIT
//
// What a file can cost a program below the drop-in, on the thread that reads it.
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "ledger.h"

using namespace test;

namespace {

measured measure_below_drop_in(size_t mappings, size_t times) {
  return measure([=](const meter&) {
    setenv("LD_PRELOAD", NOSIGBUS_TEST_PRELOAD, 1);
    execl(NOSIGBUS_TEST_SUBJECT, "subject", std::to_string(mappings).c_str(), std::to_string(times).c_str(),
          nullptr);
    _exit(127);
  });
}

}  // namespace

TEST_CASE("below the drop-in a file that is cut off costs a signal a mapping") {
  constexpr uint64_t mappings = 100;
  enter("below the drop-in cuts off a file of 100 mappings, and all are read",
        measure_below_drop_in(mappings, 1),
        {.signals = mappings, .calls = 35 * mappings, .calls_at_most = 60});
}

TEST_CASE("below the drop-in a file that comes and goes costs signals at the healer's pace") {
  constexpr uint64_t times = 1000;
  enter("below the drop-in cuts off and lets grow again, 1000 times, all pages are read each time",
        measure_below_drop_in(1, times), {.signals = times, .calls = 50 * times, .calls_at_most = 60});
}
