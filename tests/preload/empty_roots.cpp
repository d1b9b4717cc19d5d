// SPDX-License-Identifier: MIT
//
// Programs that shut themselves up in an empty folder, without /proc and /dev.
#include "../support/empty_root.h"
#include "scenario.h"

using namespace preload_test;

SCENARIO(an_empty_root_after_damage) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[2 * page] == 0);
  EXPECT(test::enter_empty_root());
  EXPECT(all_are(file, 0, file.size(), 0));
}

SCENARIO(an_empty_root_before_damage) {
  const mapped_file file(4);
  EXPECT(test::enter_empty_root());
  file.truncate(0);
  EXPECT(file[2 * page] == 0);
}

SCENARIO(a_null_pointer_in_an_empty_root) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[2 * page] == 0);
  EXPECT(test::enter_empty_root());
  *static_cast<volatile int*>(nullptr) = 1;
}
