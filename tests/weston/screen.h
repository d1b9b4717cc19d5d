// SPDX-License-Identifier: MIT
//
// Pictures of the whole screen, and what is expected on them.
#pragma once

#include <cstdint>
#include <vector>

#include "buffer.h"
#include "client.h"
#include "surface.h"

namespace weston_test {

// A neighbour's pixel. No two of a row or a column are alike.
constexpr uint32_t pattern(int x, int y) {
  return 0x010000u | static_cast<uint32_t>((x * 7 + y * 3) & 0x7f) << 17 |
         static_cast<uint32_t>(x & 0xff) << 8 | static_cast<uint32_t>(y & 0xff);
}
// No pixel of the pattern: its red is even.
constexpr uint32_t attack_colour = 0x5a2266;

class screen {
 public:
  explicit screen(client& connection);
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;
  ~screen();

  void capture();
  int width() const { return width_; }
  int height() const { return height_; }
  // Without the byte that is no colour.
  uint32_t pixel(int x, int y) const { return pixels_[y * width_ + x] & 0xffffff; }
  int count(uint32_t colour) const;

 private:
  client& client_;
  int width_, height_;
  int32_t size_;
  file memory_;
  buffer buffer_;
  const uint32_t* pixels_;
};

}  // namespace weston_test
