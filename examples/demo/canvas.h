// SPDX-License-Identifier: MIT
//
// Pictures in memory: filling, writing text, saving as PNG.
#ifndef NOSIGBUS_DEMO_CANVAS_H
#define NOSIGBUS_DEMO_CANVAS_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pattern.h"

namespace demo {

// Pixels that somebody else owns; `stride` in pixels.
struct canvas {
  std::uint32_t* pixels;
  int width, height;
  std::size_t stride;

  std::uint32_t* row(int y) const { return pixels + static_cast<std::size_t>(y) * stride; }
  // The part inside `part`, which must lie within.
  canvas part(const rect& part) const { return {row(part.y) + part.x, part.width, part.height, stride}; }
};

void fill(const canvas& target, std::uint32_t colour);

// Draws text with its upper left corner at (x, y), each font pixel `scale` pixels large; clipped.
void draw_text(const canvas& target, int x, int y, int scale, std::uint32_t colour, std::string_view text);

constexpr int text_width(std::string_view text, int scale) {
  return static_cast<int>(text.size()) * glyph_advance * scale;
}

// Returns an empty string, or what went wrong.
std::string write_png(const std::string& path, const canvas& picture);

}  // namespace demo

#endif
