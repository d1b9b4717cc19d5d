// SPDX-License-Identifier: MIT
//
// The screen: an image in memory, that can be written to a file.
#pragma once

#include <pixman.h>
#include <wayland-server-core.h>

#include <cstdint>
#include <functional>
#include <string>

#include "region.h"

namespace compositor {

class output {
 public:
  // Throws std::bad_alloc.
  output(int width, int height);
  output(const output&) = delete;
  output& operator=(const output&) = delete;
  ~output() { pixman_image_unref(image_); }

  int width() const { return width_; }
  int height() const { return height_; }
  const uint32_t* row(int y) const;

  void damage(region& area);
  void damage_all() { damaged_ = region(width_, height_); }
  // The background, and what `draw` puts on it, where anything is damaged.
  void paint(const std::function<void(pixman_image_t*)>& draw);
  // As a PNG, in place of what is there. Empty: done, else why not.
  std::string write(const std::string& file) const;

  // wl_output. False: no memory.
  bool offer(wl_display* display);

 private:
  const int width_, height_;
  pixman_image_t* const image_;
  region damaged_;
};

}  // namespace compositor
