// SPDX-License-Identifier: MIT
//
// The other side, in a process of its own.
#pragma once

#include <cstdint>
#include <vector>

enum class manner {
  honest,        // 20,000 records, then the end
  cuts_it_off,   // after some: nothing is left of the ring
  cuts_records,  // after some: the first page is left, in which head and tail are
  lies_of_head,  // more bytes than there is room for
  lies_of_size,  // a record that is longer than what was written
  oscillates     // cuts it off and grows it again all the time
};

// Record number i: as long and with such bytes as everybody can know.
std::vector<unsigned char> record_of(std::uint32_t i);
inline constexpr std::uint32_t honest_records = 20000;

// Plays it, with the ring in this file; does not return.
[[noreturn]] void produce(int fd, manner how);
