// SPDX-License-Identifier: MIT
//
// A program that knows nothing of nosigbus, and reads what is cut off: drop_in_subject MAPPINGS TIMES.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "support/meter.h"

int main(int, char** argv) {
  const size_t mappings = strtoul(argv[1], nullptr, 10), times = strtoul(argv[2], nullptr, 10);
  constexpr size_t size = 16 * 4096;
  const int file = memfd_create("pool", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, size) != 0) return 1;
  std::vector<const volatile char*> all;
  for (size_t i = 0; i < mappings; ++i) {
    void* const got = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
    if (got == MAP_FAILED) return 1;
    all.push_back(static_cast<const volatile char*>(got));
  }
  int sum = 0;
  syscall(test::mark);
  for (size_t i = 0; i < times; ++i) {
    if (ftruncate(file, 0) != 0) return 1;
    for (const volatile char* const data : all) {
      for (size_t at = 0; at < size; at += 4096) sum += data[at];
    }
    if (ftruncate(file, size) != 0) return 1;
  }
  syscall(test::mark);
  return sum;
}
