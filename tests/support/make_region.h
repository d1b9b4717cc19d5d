// SPDX-License-Identifier: MIT
//
// A region over a file, and a look at its bytes. For code in children.
#pragma once

#include <nosigbus/nosigbus.hpp>

#include "child.h"
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

// Nothing can be mapped behind the region any more.
inline void block(const nosigbus::region& region) {
  const size_t page = page_size();
  char* const behind = static_cast<char*>(region.data()) + (region.size() + page - 1) / page * page;
  mmap(behind, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
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

}  // namespace test
