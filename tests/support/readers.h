// SPDX-License-Identifier: MIT
//
// All code of others that tests read bad memory with.
#pragma once

#include "bad_memory.h"
#ifdef NOSIGBUS_TEST_PNG
#include "read_png.h"
#endif

namespace test {

// Reads a byte, that many calls deep.
__attribute__((noinline)) inline int deep(const volatile unsigned char* at, int depth) {
  volatile unsigned char room[100];
  room[depth % 100] = 1;
  return depth == 0 ? *at : deep(at, depth - 1) + room[depth % 100];
}

// own: readers that the test has itself.
template <size_t N>
std::vector<reader> with_others(const reader (&own)[N]) {
  std::vector<reader> all(own, own + N);
  all.insert(all.end(), std::begin(libc_readers), std::end(libc_readers));
#ifdef NOSIGBUS_TEST_PNG
  all.push_back(png_reader);
#endif
  return all;
}

}  // namespace test
