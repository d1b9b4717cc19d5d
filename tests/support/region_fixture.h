// SPDX-License-Identifier: MIT
//
// A file, a region over it, and the questions that region tests ask. For code in children.
#pragma once

#include <doctest/doctest.h>

#include <span>

#include "entry.h"
#include "make_region.h"

namespace test {

// Runs body(how the fault arrives, how the region was made) in a child for each combination.
template <class Body>
void with_each_region(Body body, int seconds = 20);
// Those that find back to their file: without a descriptor that takes a kernel that duplicates mappings.
template <class Body>
void with_each_healing_region(Body body);

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
