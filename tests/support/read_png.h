// SPDX-License-Identifier: MIT
//
// libpng as a reader of memory: a picture that lies there, and is decoded row by row.
#pragma once

#include <png.h>

#include <random>
#include <vector>

#include "bad_memory.h"

namespace test {

constexpr png_uint_32 png_width = 64;

// Four pages of it are in the memory: noise does not compress.
inline const std::vector<unsigned char>& encoded_png() {
  static const std::vector<unsigned char> g_encoded = [] {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.format = PNG_FORMAT_RGBA;
    image.width = png_width;
    image.height = static_cast<png_uint_32>(4 * page_size() / (4 * png_width));
    std::mt19937 random(7);
    std::vector<unsigned char> pixels(PNG_IMAGE_SIZE(image));
    for (unsigned char& byte : pixels) byte = static_cast<unsigned char>(random());
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    std::vector<unsigned char> out(size);
    CHILD_CHECK(png_image_write_to_memory(&image, out.data(), &size, 0, pixels.data(), 0, nullptr) != 0);
    CHILD_CHECK(size >= 4 * page_size());
    out.resize(4 * page_size());
    return out;
  }();
  return g_encoded;
}

// Where libpng's read function is, and how far it may go.
struct png_source {
  const bad_memory& memory;
  size_t at;
};

// A picture that is wrong, or ends too early, ends here as well.
inline void read_png(const bad_memory& memory) {
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, [](png_structp, png_const_charp) {});
  png_infop info = png_create_info_struct(png);
  png_source source{memory, 0};
  std::vector<unsigned char> row(size_t{4} * png_width);
  if (setjmp(png_jmpbuf(png)) == 0) {
    png_set_read_fn(png, &source, [](png_structp self, png_bytep to, size_t n) {
      auto& from = *static_cast<png_source*>(png_get_io_ptr(self));
      if (from.memory.size() - from.at < n) png_error(self, "ends");
      the_memcpy(to, from.memory.begin + from.at, n);
      from.at += n;
    });
    png_read_info(png, info);
    CHILD_CHECK(png_get_image_width(png, info) == png_width);
    for (png_uint_32 n = png_get_image_height(png, info); n > 0; --n) png_read_row(png, row.data(), nullptr);
  }
  png_destroy_read_struct(&png, &info, nullptr);
}

inline const reader png_reader{"libpng", read_png, encoded_png};

}  // namespace test
