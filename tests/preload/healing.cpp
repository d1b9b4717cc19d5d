// SPDX-License-Identifier: MIT
//
// Pages come back by themselves.
#include <thread>

#include "scenario.h"

using namespace preload_test;

SCENARIO(pages_come_back) {
  for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
    for (const size_t left : {size_t{0}, 2 * page, 2 * page + 9}) {
      const mapped_file file(8, flags);
      file.truncate(left);
      EXPECT(file[5 * page] == 0);
      file.grow_back(0x33);
      EXPECT(becomes(file[5 * page], 0x33));
      EXPECT(becomes(file[7 * page], 0x33));
    }
  }
}

SCENARIO(what_the_program_wrote_to_private_pages_stays) {
  const mapped_file file(8, MAP_PRIVATE);
  file[page] = 0x11;
  file.truncate(4 * page);
  EXPECT(file[6 * page] == 0);
  file.grow_back(0x33);
  EXPECT(becomes(file[6 * page], 0x33));
  EXPECT(file[page] == 0x11);
}

SCENARIO(a_reader_that_never_calls_anything_sees_them) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[2 * page] == 0);
  std::thread grower([&] { file.grow_back(1); });
  alarm(5);
  while (file[2 * page] != 1) {
  }
  grower.join();
}

SCENARIO(nothing_runs_while_nothing_is_damaged) {
  EXPECT(count_entries("/proc/self/task") == 1);
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[2 * page] == 0);
  EXPECT(count_entries("/proc/self/task") == 2);
  file.grow_back(1);
  EXPECT(becomes(file[2 * page], 1));
  EXPECT(eventually([] { return count_entries("/proc/self/task") == 1; }));
}

SCENARIO(again_and_again) {
  const mapped_file file(4);
  for (unsigned char i = 1; i < 20; ++i) {
    file.truncate(page * (i % 3));
    EXPECT(file[3 * page] == 0);
    file.grow_back(i);
    EXPECT(becomes(file[3 * page], i));
  }
}
