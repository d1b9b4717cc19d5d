// SPDX-License-Identifier: MIT
//
// What the harness and the programs that it compares have in common: memory, and a byte each way when it is
// the other's turn.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fuzz {

struct exchange {
  static constexpr size_t most_input = 4096, most_entries = 4096;

  size_t size;
  uint8_t input[most_input];
  // What a program has to say: what each call returned, what each byte was.
  size_t entries;
  uint64_t log[most_entries];
  int status;  // as wait(2) has it
};

// In the program: descriptors that it inherits.
inline constexpr int exchange_memory = 200, exchange_socket = 201;
// Its argument, of the one whose missing pages nobody puts zeros in.
inline constexpr const char* without_drop_in = "plain";

}  // namespace fuzz
