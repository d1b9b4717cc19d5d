// SPDX-License-Identifier: MIT
//
// Memory that came to lie in a mapping without our knowledge, by raw system calls.
#include <sys/syscall.h>

#include "scenario.h"

using namespace preload_test;

namespace {

// In the place of a part of the file's mapping.
void put_sevens(const mapped_file& file, size_t begin, size_t length) {
  EXPECT(syscall(SYS_munmap, file.address(begin), length) == 0);
  const long fresh = syscall(SYS_mmap, file.address(begin), length, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0L);
  EXPECT(reinterpret_cast<void*>(fresh) == file.address(begin));
  for (size_t i = begin; i < begin + length; ++i) file[i] = 7;
}

}  // namespace

SCENARIO(memory_that_took_an_overlays_place_behind_the_file) {
  const mapped_file file(4);
  file.truncate(page);
  EXPECT(file[2 * page] == 0);
  put_sevens(file, page, 3 * page);
  file.grow_back(5);
  usleep(200'000);
  EXPECT(all_are(file, page, 4 * page, 7));
}

SCENARIO(memory_in_front_of_an_overlay_when_the_file_gets_shorter) {
  const mapped_file file(8);
  file.truncate(6 * page);
  EXPECT(file[7 * page] == 0);
  put_sevens(file, 3 * page, page);
  file.truncate(page);
  EXPECT(file[page] == 0);
  EXPECT(all_are(file, 3 * page, 4 * page, 7));
  EXPECT(file[5 * page] == 0);
  file.grow_back(5);
  EXPECT(becomes(file[2 * page], 5));
  EXPECT(becomes(file[7 * page], 5));
  EXPECT(all_are(file, 3 * page, 4 * page, 7));
}
