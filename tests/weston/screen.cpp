// SPDX-License-Identifier: MIT
#include "screen.h"

#include <sys/mman.h>

#include <algorithm>

namespace weston_test {

screen::screen(client& connection)
    : client_(connection),
      width_(connection.output_width()),
      height_(connection.output_height()),
      size_(width_ * height_ * bytes_per_pixel),
      memory_(file::anonymous(size_)),
      buffer_(pool(connection, memory_, size_).make_buffer(width_, height_)),
      pixels_(static_cast<const uint32_t*>(
          mmap(nullptr, static_cast<size_t>(size_), PROT_READ, MAP_SHARED, memory_.descriptor(), 0))) {
  if (pixels_ == MAP_FAILED) throw std::runtime_error("mmap of a screenshot");
}

screen::~screen() { munmap(const_cast<uint32_t*>(pixels_), static_cast<size_t>(size_)); }

void screen::capture() { take_screenshot(client_, buffer_.get()); }

int screen::count(uint32_t colour) const {
  return static_cast<int>(std::count_if(pixels_, pixels_ + width_ * height_,
                                        [=](uint32_t pixel) { return (pixel & 0xffffff) == colour; }));
}

}  // namespace weston_test
