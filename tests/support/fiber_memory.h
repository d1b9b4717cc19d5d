// SPDX-License-Identifier: MIT
//
// Memory that a fiber stops at. For code in children.
#pragma once

#include "shared_file.h"

namespace test {

// Four pages, of which the file has `kept`.
struct memory {
  explicit memory(size_t kept = 1) : file(4 * page_size()), begin(file.map(4 * page_size())) {
    file.resize(kept * page_size());
  }
  // The file has grown again, and has its bytes.
  void repair() {
    file.resize(4 * page_size());
    file.draw();
  }
  size_t size() const { return 4 * page_size(); }
  unsigned char at(size_t i) const { return const_cast<const volatile unsigned char*>(begin)[i]; }

  shared_file file;
  const unsigned char* const begin;
};

inline __attribute__((noinline)) size_t sum_deep(const memory& m, size_t i, int depth) {
  volatile size_t kept = i;
  return depth == 0 ? m.at(i) : sum_deep(m, i, depth - 1) + (kept - i);
}

}  // namespace test
