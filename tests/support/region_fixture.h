// SPDX-License-Identifier: MIT
//
// A file, a region over it, and the questions that region tests ask. For code in children.
#pragma once

#include <nosigbus/nosigbus.hpp>

#include "child.h"
#include "entry.h"
#include "shared_file.h"

namespace test {

// How the region came to be, which decides how it finds its way back to the file.
enum class origin { mapped, adopted_with_fd, adopted_without_fd };
inline constexpr origin origins[] = {origin::mapped, origin::adopted_with_fd, origin::adopted_without_fd};

inline nosigbus::region make_region(origin how, const shared_file& file, size_t length, int prot = PROT_READ,
                                    unsigned flags = 0) {
  const bool is_private = (flags & NOSIGBUS_PRIVATE) != 0;
  auto result = how == origin::mapped
                    ? nosigbus::region::map(file.fd(), 0, length, prot, flags)
                    : nosigbus::region::adopt(file.map(length, prot, is_private ? MAP_PRIVATE : MAP_SHARED),
                                              length, how == origin::adopted_with_fd ? file.fd() : -1,
                                              flags & ~NOSIGBUS_PRIVATE);
  CHILD_CHECK(result);
  return *std::move(result);
}

// Reads as code does that knows nothing of nosigbus.
inline unsigned char peek(const nosigbus::region& region, size_t offset) {
  return *static_cast<const volatile unsigned char*>(static_cast<unsigned char*>(region.data()) + offset);
}
inline void poke(const nosigbus::region& region, size_t offset, unsigned char value) {
  *(static_cast<volatile unsigned char*>(region.data()) + offset) = value;
}

// [begin, end) is the file's pattern, or zero.
inline bool is_pattern(const nosigbus::region& region, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    if (peek(region, i) != pattern(i)) return false;
  }
  return true;
}
inline bool is_zero(const nosigbus::region& region, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    if (peek(region, i) != 0) return false;
  }
  return true;
}

inline size_t vmas_in(const nosigbus::region& region) { return count_vmas(region.data(), region.size()); }

// Runs body(how the fault arrives, how the region was made) in a child for each combination.
template <class Body>
void with_each_region(Body body, int seconds = 20);

}  // namespace test

#include <doctest/doctest.h>

template <class Body>
void test::with_each_region(Body body, int seconds) {
  for (const entry how : entries) {
    for (const origin from : origins) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(static_cast<int>(from));
      const outcome result = in_child(
          [&] {
            enter_by(how);
            body(from);
            return 0;
          },
          seconds);
      CHECK(result == exited(0));
    }
  }
}
