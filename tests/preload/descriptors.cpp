// SPDX-License-Identifier: MIT
//
// Programs to which their table of descriptors is their own: what we need for a moment is not in it.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <ctime>
#include <thread>
#include <vector>

#include "scenario.h"

using namespace preload_test;

namespace {

std::atomic<bool> g_over{false};

int lowest_free() {
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT(fd >= 0 && close(fd) == 0);
  return fd;
}

// Faults until it is over, each in a mapping that was whole before.
void fault_again_and_again(int fd) {
  while (!g_over) {
    auto* const data =
        static_cast<volatile unsigned char*>(mmap(nullptr, 8 * page, PROT_READ, MAP_SHARED, fd, 0));
    EXPECT(data[page] == 0);
    EXPECT(munmap(const_cast<unsigned char*>(data), 8 * page) == 0);
  }
}

// With another thread that faults, for some seconds.
template <class Act>
void beside_faults(Act act) {
  const int fd = memfd_create("empty", MFD_CLOEXEC);
  std::thread faulting(fault_again_and_again, fd);
  for (const time_t end = time(nullptr) + 3; time(nullptr) < end;) act();
  g_over = true;
  faulting.join();
}

}  // namespace

SCENARIO(the_lowest_number_is_the_programs_while_pages_come_back) {
  const mapped_file file(64);
  const int lowest = lowest_free();
  for (const time_t end = time(nullptr) + 4; time(nullptr) < end;) {
    file.truncate(0);
    EXPECT(file[page] == 0);
    file.grow_back(3);
    while (file[page] != 3) EXPECT(lowest_free() == lowest);
  }
}

SCENARIO(the_lowest_number_is_the_programs_while_others_fault) {
  const int held = lowest_free();
  beside_faults([&] { EXPECT(lowest_free() == held + 1); });
}

SCENARIO(a_number_that_is_taken_stays_open) {
  const int free = lowest_free() + 1;
  beside_faults([&] {
    EXPECT(dup2(0, free) == free);
    for (unsigned long i = 0; i < 20'000; ++i) asm volatile("");
    EXPECT(fcntl(free, F_GETFD) >= 0);
    EXPECT(close(free) == 0);
  });
}

SCENARIO(children_inherit_nothing_of_ours) {
  beside_faults([] {
    static const unsigned descriptors = count_entries("/proc/self/fd");
    const pid_t child = fork();
    if (child == 0) _exit(count_entries("/proc/self/fd") == descriptors ? 0 : 1);
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(status == 0);
  });
}

SCENARIO(everything_is_closed_all_the_time) {
  const int fd = memfd_create("empty", MFD_CLOEXEC);
  std::vector<volatile unsigned char*> all;
  for (int i = 0; i < 2000; ++i) {
    void* const data = mmap(nullptr, 8 * page, PROT_READ, MAP_SHARED, fd, 0);
    EXPECT(data != MAP_FAILED);
    all.push_back(static_cast<volatile unsigned char*>(data));
  }
  std::thread closing([] {
    while (!g_over) syscall(SYS_close_range, 3, ~0u, 0);
  });
  for (volatile unsigned char* const data : all) EXPECT(data[page] == 0);
  g_over = true;
  closing.join();
}

// What the program closes is closed, not kept by the healer: the other end of a pipe notices.
SCENARIO(what_is_closed_is_closed) {
  int ends[2];
  EXPECT(pipe2(ends, O_CLOEXEC) == 0);
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  usleep(100'000);
  EXPECT(close(ends[1]) == 0);
  alarm(5);
  char byte;
  EXPECT(read(ends[0], &byte, 1) == 0);
  file.grow_back(1);
  EXPECT(becomes(file[page], 1));
}
