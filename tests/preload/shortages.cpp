// SPDX-License-Identifier: MIT
//
// Pages come back, although there was no descriptor, thread or room for it when it was first tried.
#include <fcntl.h>
#include <sys/resource.h>

#include <fstream>
#include <vector>

#include "scenario.h"

using namespace preload_test;

namespace {

void set_limit(__rlimit_resource resource, rlim_t soft) {
  rlimit limit{};
  EXPECT(getrlimit(resource, &limit) == 0);
  limit.rlim_cur = soft;
  EXPECT(setrlimit(resource, &limit) == 0);
}

}  // namespace

SCENARIO(no_descriptor_when_pages_come_back) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  std::vector<int> all;
  for (int fd = open("/dev/null", O_RDONLY); fd >= 0; fd = open("/dev/null", O_RDONLY)) all.push_back(fd);
  file.grow_back(7);
  usleep(200'000);
  for (const int fd : all) close(fd);
  EXPECT(becomes(file[page], 7));
}

SCENARIO(no_right_to_a_descriptor_when_pages_come_back) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  set_limit(RLIMIT_NOFILE, 0);
  file.grow_back(7);
  EXPECT(becomes(file[page], 7));
}

SCENARIO(no_thread_at_first) {
  if (getuid() != 0) return;
  constexpr uid_t nobody_else = 54321;
  EXPECT(setgid(nobody_else) == 0 && setuid(nobody_else) == 0);
  const mapped_file file(4), other(4);
  set_limit(RLIMIT_NPROC, 1);
  file.truncate(0);
  EXPECT(file[page] == 0);
  file.grow_back(7);
  EXPECT(count_entries("/proc/self/task") == 1);
  set_limit(RLIMIT_NPROC, 100);
  EXPECT(becomes(file[page], 7));
}

SCENARIO(no_room_for_a_shadow_at_first) {
  constexpr size_t pages = size_t{128} << 8;  // 128 MiB
  const int fd = memfd_create("large", MFD_CLOEXEC);
  EXPECT(ftruncate(fd, pages * page) == 0);
  auto* const data =
      static_cast<volatile unsigned char*>(mmap(nullptr, pages * page, PROT_READ, MAP_SHARED, fd, 0));
  EXPECT(data != MAP_FAILED);
  unsigned long in_use = 0;
  std::ifstream("/proc/self/statm") >> in_use;
  set_limit(RLIMIT_AS, (in_use + 4096) * page);
  EXPECT(ftruncate(fd, page) == 0);
  EXPECT(data[2 * page] == 0);
  EXPECT(ftruncate(fd, pages * page) == 0);
  const unsigned char byte = 9;
  EXPECT(pwrite(fd, &byte, 1, 2 * page) == 1);
  usleep(200'000);
  EXPECT(data[2 * page] == 0);
  set_limit(RLIMIT_AS, RLIM_INFINITY);
  EXPECT(becomes(data[2 * page], 9));
}
