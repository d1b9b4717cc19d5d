// SPDX-License-Identifier: MIT
#include "early_library.h"

#include <signal.h>

namespace preload_test {

void (*early_action)() = nullptr;

namespace {

__attribute__((constructor)) void install() {
  struct sigaction action {};
  action.sa_handler = [](int) { early_action(); };
  sigfillset(&action.sa_mask);
  sigaction(SIGUSR1, &action, nullptr);
}

}  // namespace

}  // namespace preload_test
