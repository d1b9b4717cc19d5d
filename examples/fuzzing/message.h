// SPDX-License-Identifier: MIT
//
// Messages that a client leaves in shared memory for a server to read: a header, and text.
#pragma once

#include <cstddef>
#include <cstdint>

struct message_header {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t urgency;
  std::uint32_t length;  // of the text, which follows, in bytes
};

constexpr std::uint32_t message_magic = 0x4745'534d;

struct message {
  std::uint16_t urgency;
  std::uint32_t length;
  char text[64];
};

// Reads the message in `size` bytes of shared memory. 0, or -EINVAL: it is none, or too long.
int read_message(const void* shared, std::size_t size, message* out);
