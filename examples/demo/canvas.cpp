// SPDX-License-Identifier: MIT
#include "canvas.h"

#include <png.h>

#include <algorithm>
#include <cerrno>

#include "options.h"

namespace demo {

void fill(const canvas& target, std::uint32_t colour) {
  for (int y = 0; y < target.height; ++y) std::fill_n(target.row(y), target.width, colour);
}

void draw_text(const canvas& target, int x, int y, int scale, std::uint32_t colour, std::string_view text) {
  const int width = text_width(text, scale);
  for (int row = 0; row < glyph_height * scale; ++row) {
    for (int column = 0; column < width; ++column) {
      const int cell = column / scale;
      const char character = text[static_cast<std::size_t>(cell / glyph_advance)];
      const bool inside =
          x + column >= 0 && x + column < target.width && y + row >= 0 && y + row < target.height;
      if (inside && glyph_pixel(character, cell % glyph_advance, row / scale)) {
        target.row(y + row)[x + column] = colour;
      }
    }
  }
}

std::string write_png(const std::string& path, const canvas& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_BGR;
  image.flags = PNG_IMAGE_FLAG_FAST;
  // Our fourth byte is unused and zero, which PNG_FORMAT_BGRA would take for transparent.
  std::string packed;
  packed.reserve(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height) * 3);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const std::uint32_t pixel = picture.row(y)[x];
      packed.push_back(static_cast<char>(pixel & 0xff));
      packed.push_back(static_cast<char>(pixel >> 8 & 0xff));
      packed.push_back(static_cast<char>(pixel >> 16 & 0xff));
    }
  }
  errno = 0;
  if (png_image_write_to_file(&image, path.c_str(), 0, packed.data(), 0, nullptr) != 0) return {};
  return "cannot write " + path + ": " + (errno != 0 ? error_text(errno) : std::string(image.message));
}

}  // namespace demo
