// SPDX-License-Identifier: MIT
//
// A file, a region over it, and the questions that region tests ask. For code in children.
#pragma once

#include <nosigbus/nosigbus.hpp>

#include <span>

#include "child.h"
#include "entry.h"
#include "shared_file.h"

namespace test {

// How the region came to be, which decides how it finds its way back to the file.
enum class origin { mapped, adopted_with_fd, adopted_without_fd };
inline constexpr origin origins[] = {origin::mapped, origin::adopted_with_fd, origin::adopted_without_fd};

inline nosigbus::region make_region(origin how, int fd, off_t offset, size_t length, int prot,
                                    unsigned flags) {
  if (how == origin::mapped) {
    auto result = nosigbus::region::map(fd, offset, length, prot, flags);
    CHILD_CHECK(result);
    return *std::move(result);
  }
  const int sharing = (flags & NOSIGBUS_PRIVATE) != 0 ? MAP_PRIVATE : MAP_SHARED;
  void* const address = mmap(nullptr, length, prot, sharing, fd, offset);
  CHILD_CHECK(address != MAP_FAILED);
  auto result = nosigbus::region::adopt(address, length, how == origin::adopted_with_fd ? fd : -1,
                                        flags & ~NOSIGBUS_PRIVATE);
  CHILD_CHECK(result);
  return *std::move(result);
}
inline nosigbus::region make_region(origin how, const shared_file& file, size_t length, int prot = PROT_READ,
                                    unsigned flags = 0) {
  return make_region(how, file.fd(), 0, length, prot, flags);
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
// Those that find back to their file: without a descriptor that takes a kernel that duplicates mappings.
template <class Body>
void with_each_healing_region(Body body);

}  // namespace test

#include <doctest/doctest.h>

namespace test {

// A private mapping's pages can be set aside: Linux 5.13, not under qemu-user, not of huge
// pages.
inline bool private_mappings_come_back() {
  constexpr int dontunmap = 4;  // MREMAP_DONTUNMAP
  const size_t size = page_size();
  const shared_file file(size);
  void* const mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd(), 0);
  void* const moved = mremap(mapped, size, size, MREMAP_MAYMOVE | dontunmap, nullptr);  // a hint
  if (moved != MAP_FAILED) munmap(moved, size);
  munmap(mapped, size);
  return moved != MAP_FAILED;
}
// mremap(2), "old_size 0"; qemu-user refuses it.
inline bool mappings_can_be_duplicated() {
  const shared_file file(page_size());
  unsigned char* const original = file.map(page_size());
  void* const duplicate = mremap(original, 0, page_size(), MREMAP_MAYMOVE);
  if (duplicate != MAP_FAILED) munmap(duplicate, page_size());
  munmap(original, page_size());
  return duplicate != MAP_FAILED;
}

template <class Body>
void with_regions(std::span<const origin> of, Body body, int seconds) {
  for (const entry how : entries) {
    for (const origin from : of) {
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

template <class Body>
void with_each_region(Body body, int seconds) {
  with_regions(origins, body, seconds);
}

template <class Body>
void with_each_healing_region(Body body) {
  const std::span<const origin> all(origins);
  with_regions(mappings_can_be_duplicated() ? all : all.first(2), body, 20);
}

}  // namespace test
