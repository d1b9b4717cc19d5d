// SPDX-License-Identifier: MIT
//
// Why a page is missing, and what becomes of it then: files with holes on a full file system, writes that are
// passed on, and how long it takes until pages are back.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <algorithm>
#include <ctime>

#include "scenario.h"

using namespace preload_test;

namespace {

// A file of 8 pages of which 0, 3 and 4 are written, on a file system that has room for no more.
volatile unsigned char* file_with_holes(int flags) {
  EXPECT(unshare(CLONE_NEWNS) == 0);
  EXPECT(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
  EXPECT(mount("none", "/dev/shm", "tmpfs", 0, "size=64k") == 0);
  const int fd = open("/dev/shm/holes", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int rest = open("/dev/shm/rest", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  unsigned char bytes[page];
  std::fill_n(bytes, page, filler);
  for (const off_t i : {0, 3, 4}) EXPECT(pwrite(fd, bytes, page, i * static_cast<off_t>(page)) == page);
  EXPECT(ftruncate(fd, 8 * page) == 0);
  while (write(rest, bytes, page) > 0) {
  }
  void* const mapped = mmap(nullptr, 8 * page, PROT_READ | PROT_WRITE, flags, fd, 0);
  EXPECT(mapped != MAP_FAILED);
  return static_cast<volatile unsigned char*>(mapped);
}

void read_holes(int flags) {
  volatile unsigned char* const file = file_with_holes(flags);
  file[4 * page] = 0x77;
  EXPECT(file[page] == 0);
  EXPECT(file[0] == filler);
  EXPECT(file[3 * page] == filler);
  EXPECT(file[4 * page] == 0x77);
  EXPECT(file[2 * page] == 0);
  EXPECT(file[7 * page] == 0);
  EXPECT(file[4 * page] == 0x77);
}

long milliseconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
}

}  // namespace

SCENARIO(holes_that_cannot_be_filled) { read_holes(MAP_SHARED); }
SCENARIO(private_holes_that_cannot_be_filled) { read_holes(MAP_PRIVATE); }

// For reports, that can be looked at.
extern "C" __attribute__((noinline)) unsigned char name_of_the_reader(const mapped_file& file, size_t at) {
  const unsigned char byte = file[at];
  asm volatile("" ::: "memory");
  return byte;
}
SCENARIO(two_pages_are_left_of_sixteen) {
  const mapped_file file(16);
  file.truncate(2 * page);
  EXPECT(name_of_the_reader(file, 9 * page) == 0);
}
SCENARIO(a_damaged_mapping_is_unmapped) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  EXPECT(munmap(file.address(), file.size()) == 0);
}
namespace {
void unmap_in_child(const mapped_file& file) {
  file.truncate(0);
  EXPECT(file[page] == 0);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) _exit(munmap(file.address(), file.size()));
  EXPECT(waitpid(child, nullptr, 0) == child);
}
}  // namespace
SCENARIO(a_child_unmaps_what_is_damaged) {
  const mapped_file file(4);
  unmap_in_child(file);
}
SCENARIO(a_child_unmaps_and_so_does_its_parent) {
  const mapped_file file(4);
  unmap_in_child(file);
  EXPECT(munmap(file.address(), file.size()) == 0);
}

// 100 ms are promised to whoever has a processor to spare: said, not judged.
SCENARIO(how_long_pages_take_to_come_back) {
  const mapped_file file(64);
  long worst = 0;
  for (unsigned char round = 1; round < 20; ++round) {
    file.truncate(page * (round % 5));
    EXPECT(file[60 * page] == 0);
    usleep(round * 7'000u);
    file.grow_back(round);
    const long begun = milliseconds();
    EXPECT(becomes(file[60 * page], round));
    worst = std::max(worst, milliseconds() - begun);
  }
  fprintf(stderr, "pages were back after %ld ms at most\n", worst);
}
