// SPDX-License-Identifier: MIT
//
// Content, acts, and reads of which each is one instruction.
#pragma once

#include <algorithm>
#include <cstring>
#include <nosigbus/fuzz.hpp>
#include <nosigbus/nosigbus.hpp>
#include <vector>

#include "support/child.h"
#include "support/shared_file.h"

namespace test {

inline std::vector<std::byte> content(size_t size) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(pattern(i));
  return bytes;
}

inline unsigned char read_byte(const void* base, size_t offset) {
  return static_cast<const volatile unsigned char*>(base)[offset];
}
inline uint32_t read_word(const void* base, size_t offset) {
  return *reinterpret_cast<const volatile uint32_t*>(static_cast<const char*>(base) + offset);
}

// What shows missing pages as zeros.
inline nosigbus::region adopt(const nosigbus::hostile_buffer& buffer) {
  nosigbus::install();
  const size_t whole = (buffer.size() + page_size() - 1) / page_size() * page_size();
  auto region = nosigbus::region::adopt(buffer.writable_data(), whole, buffer.fd(),
                                        NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON);
  CHILD_CHECK(region);
  return std::move(*region);
}

}  // namespace test
