// SPDX-License-Identifier: MIT
//
// A program of signal actions, masks, faults and sent signals, with nosigbus or by the kernel alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/input.h"

namespace fuzz {

// What there is to see of it. In memory that outlives it.
struct diary {
  static constexpr size_t most = 512;
  size_t count;
  uint64_t entries[most];
  // How it ended, as wait(2) has it.
  int status;
};

enum class by { kernel, library };

// Of a child. Without nosigbus, what nosigbus absorbs is taken as absorbed: it is there to leave no trace.
void run_signal_program(input& from, by whom, diary& into);

}  // namespace fuzz
