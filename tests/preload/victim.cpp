// SPDX-License-Identifier: MIT
//
// preload_victim SCENARIO
#include "scenario.h"

// The C library's own data of a thread, errno for one, is far from where the thread register points.
thread_local char t_far[size_t{256} << 10];

int main(int, char** arguments) {
  const auto found = preload_test::scenarios().find(arguments[1]);
  if (found == preload_test::scenarios().end()) return 98;
  alarm(20);
  t_far[0] = 1;
  found->second();
  return 0;
}
