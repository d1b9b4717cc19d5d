// SPDX-License-Identifier: MIT
//
// The side that reads a ring that somebody else's process writes, and can cut off, at any moment.
#pragma once

#include <cstdint>
#include <vector>

#include "ring.h"

enum class outcome {
  record,   // there is one
  closed,   // the producer said that it was the last
  missing,  // the memory is gone
  invalid   // what is there is no ring
};
const char* name_of(outcome what);

class consumer {
 public:
  // shared: mapped readable and writable, of sizeof(ring) bytes. Used until the consumer is gone.
  explicit consumer(ring* shared) : shared_(shared) {}

  // Waits for the next record, a copy of which is in `record` then. What it returns else, it returns for
  // ever.
  outcome next(std::vector<unsigned char>& record);

 private:
  outcome wait_for_head(std::uint32_t* head);
  // The bytes from `from` on, wherever they wrap. False where one is missing.
  bool copy(void* to, std::uint32_t from, std::uint32_t count) const;

  ring* const shared_;
  std::uint32_t tail_ = 0;  // ours alone: what is in the ring, the producer could change
};
