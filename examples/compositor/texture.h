// SPDX-License-Identifier: MIT
//
// Pixels of the compositor's own, which a client's are copied to: what a texture of a graphics card is to a
// compositor with one.
#pragma once

#include <pixman.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "region.h"

namespace compositor {

constexpr int bytes_per_pixel = 4;
// As graphics cards have one; larger buffers are refused.
constexpr int largest_side = 8192;

struct layout {
  int width = 0, height = 0;
  // Of the client's memory, in bytes: a multiple of 4, and at least a row.
  int stride = 0;
  bool has_alpha = false;

  bool same_pixels(const layout& other) const {
    return width == other.width && height == other.height && has_alpha == other.has_alpha;
  }
};

class texture {
 public:
  // Null: no memory.
  static std::unique_ptr<texture> make(const layout& format);
  texture(const texture&) = delete;
  texture& operator=(const texture&) = delete;
  ~texture() { pixman_image_unref(image_); }

  const layout& format() const { return format_; }
  pixman_image_t* image() const { return image_; }
  // `area` lies within it; `memory` is laid out as `format` says.
  void copy(const std::byte* memory, const layout& format, const region& area);

 private:
  texture(const layout& format, pixman_image_t* image) : format_(format), image_(image) {}

  const layout format_;
  pixman_image_t* const image_;
};

}  // namespace compositor
