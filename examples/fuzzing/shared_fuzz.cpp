// SPDX-License-Identifier: MIT
//
// The same reader, and somebody on the other side. docs/fuzzing.md goes through it.
#include <memory>
#include <nosigbus/fuzz.hpp>
#include <nosigbus/nosigbus.hpp>

#include "message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nosigbus::install();
  const nosigbus::hostile_buffer buffer(data, size);
  const auto region = nosigbus::region::adopt(buffer.writable_data(), buffer.size(), buffer.fd(),
                                              NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON);
  if (!region) return 0;  // nothing to read
  const auto out = std::make_unique<message>();
  read_message(buffer.data(), buffer.size(), out.get());
  return 0;
}
