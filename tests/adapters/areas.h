// SPDX-License-Identifier: MIT
//
// Areas of memory that have handlers. What includes this is compiled twice: with the adapter's header, and
// with libsigsegv's own (ADAPTERS_TEST_ORIGINAL), against that library.
#pragma once

#ifdef ADAPTERS_TEST_ORIGINAL
#include <sigsegv.h>
#else
#include "adapters/sigsegv.h"
#endif

#include "scenarios.h"

namespace adapters {

// The one of this program.
template <class T>
const T& expected([[maybe_unused]] const T& ours, [[maybe_unused]] const T& original) {
#ifdef ADAPTERS_TEST_ORIGINAL
  return original;
#else
  return ours;
#endif
}

inline sigsegv_dispatcher g_areas;
inline int dispatch(void* address, int) { return sigsegv_dispatch(&g_areas, address); }

// Memory whose pages come when they are touched.
struct area {
  explicit area(size_t pages_)
      : pages(pages_),
        bytes(static_cast<unsigned char*>(
            mmap(nullptr, pages_ * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    ticket = sigsegv_register(&g_areas, bytes, pages * page, supply, this);
    CHILD_CHECK(bytes != MAP_FAILED && ticket != nullptr);
  }
  static int supply(void* address, void* user_arg) {
    auto& self = *static_cast<area*>(user_arg);
    const size_t at = static_cast<size_t>(static_cast<unsigned char*>(address) - self.bytes) / page;
    if (at >= self.pages) _exit(98);
    self.supplied.fetch_add(1, std::memory_order_relaxed);
    return mprotect(self.bytes + at * page, page, PROT_READ | PROT_WRITE) == 0;
  }

  size_t pages;
  unsigned char* bytes;
  void* ticket;
  std::atomic<size_t> supplied{0};
};

inline void start() {
  sigsegv_init(&g_areas);
  CHILD_CHECK(sigsegv_install_handler(dispatch) == 0);
}

// A page that nobody may touch.
inline unsigned char* forbidden() {
  return static_cast<unsigned char*>(mmap(nullptr, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

}  // namespace adapters
