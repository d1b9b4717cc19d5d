// SPDX-License-Identifier: MIT
//
// Programs of which somebody, or a library, has arranged how signals reach them: masks, and a SIGBUS that is
// sent.
#include <signal.h>

#include "early_library.h"
#include "scenario.h"

using namespace preload_test;

namespace {

void fault() {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
}

}  // namespace

SCENARIO(a_librarys_constructor_installs_a_handler_that_blocks_everything) {
  early_action = fault;
  EXPECT(raise(SIGUSR1) == 0);
}
