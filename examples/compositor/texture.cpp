// SPDX-License-Identifier: MIT
#include "texture.h"

#include <cstring>
#include <new>

namespace compositor {

std::unique_ptr<texture> texture::make(const layout& format) {
  pixman_image_t* const image = pixman_image_create_bits(format.has_alpha ? PIXMAN_a8r8g8b8 : PIXMAN_x8r8g8b8,
                                                         format.width, format.height, nullptr, 0);
  if (image == nullptr) return nullptr;
  std::unique_ptr<texture> made(new (std::nothrow) texture(format, image));
  if (!made) pixman_image_unref(image);
  return made;
}

void texture::copy(const std::byte* memory, const layout& format, const region& area) {
  auto* const pixels = reinterpret_cast<std::byte*>(pixman_image_get_data(image_));
  const auto own_stride = static_cast<size_t>(pixman_image_get_stride(image_));
  for (const pixman_box32_t& box : area.boxes()) {
    const auto left = static_cast<size_t>(box.x1) * bytes_per_pixel;
    const auto bytes = static_cast<size_t>(box.x2 - box.x1) * bytes_per_pixel;
    for (auto y = static_cast<size_t>(box.y1); y < static_cast<size_t>(box.y2); ++y) {
      memcpy(pixels + y * own_stride + left, memory + y * static_cast<size_t>(format.stride) + left, bytes);
    }
  }
}

}  // namespace compositor
