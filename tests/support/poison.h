// SPDX-License-Identifier: MIT
//
// Memory that the hardware lost.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "child.h"
#include "shared_file.h"

namespace test {

// Has the kernel believe that the hardware lost a page (madvise(2), "MADV_HWPOISON"). Needs root and a
// kernel that can. Returns 0 or an errno. In a child, which shares the page: newer kernels (6.12) raise
// SIGBUS at once in the process that asks.
inline int poison(void* address) {
  const outcome result = in_child([address] {
    signal(SIGBUS, SIG_DFL);
    return madvise(address, page_size(), MADV_HWPOISON) == 0 ? 0 : errno;
  });
  return result == killed_by(SIGBUS) ? 0 : result.exit_code;
}

// Says so where it cannot be done.
inline bool can_poison() {
  static const int answer = [] {
    void* const address =
        mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) return errno;
    memset(address, 1, page_size());
    return poison(address);
  }();
  if (answer == 0) return true;
  MESSAGE("skipped: pages cannot be poisoned here (root, CONFIG_MEMORY_FAILURE): ",
          std::string(strerror(answer)));
  return false;
}

}  // namespace test
