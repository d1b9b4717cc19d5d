// SPDX-License-Identifier: MIT
#include "blit.h"

#include <cstring>

namespace demo {

void blit(std::uint32_t* target, std::size_t target_stride, const std::byte* source,
          std::size_t source_stride, std::size_t width, std::size_t height) {
  for (std::size_t row = 0; row < height; ++row) {
    std::memcpy(target + row * target_stride, source + row * source_stride, width * sizeof *target);
  }
}

}  // namespace demo
