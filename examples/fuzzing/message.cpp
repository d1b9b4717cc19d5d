// SPDX-License-Identifier: MIT
//
// The planted mistake: the length is checked, and read again to be used. In between it is the client's. With
// MESSAGE_READ_ONCE what is used is what was checked.
#include "message.h"

#include <cerrno>
#include <cstring>

int read_message(const void* shared, std::size_t size, message* out) {
  const auto* const header = static_cast<const volatile message_header*>(shared);
  if (size < sizeof *header) return -EINVAL;
  if (header->magic != message_magic || header->version != 1) return -EINVAL;
#ifdef MESSAGE_READ_ONCE
  const std::uint32_t length = header->length;
#else
  const auto& length = header->length;
#endif
  if (length > sizeof out->text || length > size - sizeof *header) return -EINVAL;
  out->urgency = header->urgency;
  out->length = length;
  std::memcpy(out->text, static_cast<const char*>(shared) + sizeof *header, out->length);
  return 0;
}
