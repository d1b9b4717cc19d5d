// SPDX-License-Identifier: MIT
//
// A server that mapped a client's file. For code in children.
#pragma once

#include <nosigbus/nosigbus.hpp>

#include "ledger.h"
#include "support/event_fixture.h"

namespace test {

// What a server passes that does not know who its clients are.
inline constexpr unsigned hardened = NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON;

// The handler is there, and somebody listens. What the first region costs has been paid.
inline void be_a_server() {
  enter_by(entry::installed);
  listen();
  const shared_file first(page_size());
  make_region(origin::mapped, first, page_size());
}

inline uint64_t dispatched() {
  return static_cast<uint64_t>(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr));
}

// One byte of each page, in an order in which each page is far from the one before.
inline unsigned read_pages(const nosigbus::region& region, size_t begin, size_t end) {
  const size_t page = page_size(), count = (end - begin) / page;
  unsigned sum = 0;
  for (size_t i = 0, at = 0; i < count; ++i, at = (at + 7919) % count) sum += peek(region, begin + at * page);
  return sum;
}

}  // namespace test
