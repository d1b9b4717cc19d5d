// SPDX-License-Identifier: MIT
#include "sheet.h"

#include <vector>

namespace demo {
namespace {

constexpr int half_width = screen_width / 2;
// The tiles without the header.
constexpr int first_row = header_height - tile_gap;
constexpr int half_height = (screen_height - first_row) / 2;
constexpr int margin = 16;
constexpr int caption_height = 40;

std::uint32_t channel(const std::uint32_t* upper, const std::uint32_t* lower, int shift) {
  const auto part = [shift](std::uint32_t pixel) { return pixel >> shift & 0xff; };
  return (part(upper[0]) + part(upper[1]) + part(lower[0]) + part(lower[1]) + 2) / 4 << shift;
}

// Half the size; a dead server's screen loses its light.
void shrink(const canvas& from, const canvas& to, bool died) {
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      const std::uint32_t* upper = from.row(first_row + 2 * y) + 2 * x;
      const std::uint32_t* lower = from.row(first_row + 2 * y + 1) + 2 * x;
      const std::uint32_t pixel =
          channel(upper, lower, 0) | channel(upper, lower, 8) | channel(upper, lower, 16);
      to.row(y)[x] = died ? pixel >> 1 & 0x7f7f7f : pixel;
    }
  }
}

}  // namespace

std::string write_sheet(const std::string& path, std::span<const sheet_entry> entries) {
  const int width = margin + static_cast<int>(entries.size()) * (half_width + margin);
  const int height = caption_height + half_height + margin;
  std::vector<std::uint32_t> pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  const canvas sheet{pixels.data(), width, height, static_cast<std::size_t>(width)};
  fill(sheet, rgb(12, 14, 16));
  int left = margin;
  for (const sheet_entry& entry : entries) {
    shrink(screen_of(*entry.report), sheet.part({left, caption_height, half_width, half_height}), entry.died);
    draw_text(sheet, left, 13, 2, entry.died ? rgb(255, 96, 88) : rgb(102, 217, 140), entry.caption);
    left += half_width + margin;
  }
  return write_png(path, sheet);
}

}  // namespace demo
