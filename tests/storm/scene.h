// SPDX-License-Identifier: MIT
//
// What all workers of the storm share. What they find wrong ends the process.
#pragma once

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <random>
#include <vector>

#include "../support/region_fixture.h"
#include "gate.h"

namespace storm {

using random_source = std::mt19937_64;

inline const size_t page = test::page_size();
inline constexpr size_t file_pages = 32;
inline constexpr size_t target_pages = 8;  // behind what is kept, which short-lived regions reach
inline constexpr size_t kept_pages =
    4;  // never cut off, never written: each byte of them is right at any time

[[noreturn, gnu::format(printf, 1, 2)]] inline void fail(const char* format, ...) {
  char text[300];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  dprintf(2, "storm: %s\n", text);
  _exit(1);
}

// What writers write: told from the pattern, as far as two bytes can be.
inline unsigned char written(size_t offset) { return test::pattern(offset + (size_t{1} << 40)); }

// Whether a region over a file of the storm may have this byte here.
inline bool permitted(unsigned char byte, size_t offset, bool writable) {
  if (byte == test::pattern(offset)) return true;
  return offset >= kept_pages * page && (byte == 0 || (writable && byte == written(offset)));
}

// Reads as code does that knows nothing of nosigbus. Others may write at the same time.
inline void check_byte(const nosigbus::region& region, size_t offset, bool writable) {
  const unsigned char* const at = static_cast<unsigned char*>(region.data()) + offset;
  const unsigned char byte = __atomic_load_n(at, __ATOMIC_RELAXED);
  if (permitted(byte, offset, writable)) return;
  fail("byte %zu of a region at %p is %#x, not %#x", offset, region.data(), byte, test::pattern(offset));
}
inline void check_bytes(const nosigbus::region& region, bool writable, random_source& random, int count) {
  for (int i = 0; i < count; ++i) check_byte(region, random() % region.size(), writable);
}

// A region that lives as long as the storm.
struct subject {
  test::shared_file& file;
  bool writable;
  nosigbus::region region;
};

struct scene {
  std::vector<test::shared_file*> files;
  std::vector<subject> subjects;
  gate stop_and_go;
  // Where a region of each mapper is, or was an instant ago; 0: nowhere. Read by guarded copies, whatever is
  // there. No partner.
  std::atomic<uintptr_t> targets[2] = {};
  // Counters have no partner.
  std::atomic<uint64_t> made{0}, canaries{0}, refused{0}, checks{0};
};

// The workers. Each returns when the storm is over.
void read_all_the_time(scene& on, unsigned seed);
void write_all_the_time(scene& on, unsigned seed);
void map_all_the_time(scene& on, unsigned seed);

}  // namespace storm
