// SPDX-License-Identifier: MIT
//
// The harness that one would write: the input is a message, and nobody else is there.
#include <memory>
#include <vector>

#include "message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> copy(data, data + size);
  const auto out = std::make_unique<message>();
  read_message(copy.data(), copy.size(), out.get());
  return 0;
}
