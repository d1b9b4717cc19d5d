// SPDX-License-Identifier: MIT
//
// preload_victim SCENARIO
#include "scenario.h"

int main(int, char** arguments) {
  const auto found = preload_test::scenarios().find(arguments[1]);
  if (found == preload_test::scenarios().end()) return 98;
  alarm(20);
  found->second();
  return 0;
}
