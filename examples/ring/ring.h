// SPDX-License-Identifier: MIT
//
// A ring of records in shared memory: one process writes, another reads, and neither trusts the other.
//
// head: bytes written so far, by the producer; a futex word, too. tail: bytes read so far, by the consumer.
// Both count without end and wrap; a record is its size and its bytes, and may wrap around the end.
#pragma once

#include <cstddef>
#include <cstdint>

struct ring {
  static constexpr std::uint32_t capacity = 1u << 16;  // a power of two

  alignas(64) std::uint32_t head;
  alignas(64) std::uint32_t tail;
  alignas(64) unsigned char bytes[capacity];
};
