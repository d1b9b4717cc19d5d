// SPDX-License-Identifier: MIT
//
// Where windows are, and what is in front of what.
#pragma once

#include <vector>

#include "output.h"

namespace compositor {

class surface;

struct placed_window {
  surface* content;
  int x, y;
  bool fills_output;
};

class scene {
 public:
  explicit scene(output& screen) : screen_(screen) {}

  // Windows that fill the output are at the bottom; the others get a free place each, while there is one,
  // from the lower left corner on.
  void show(surface& content, bool fills_output);
  void hide(const surface& content);
  const placed_window* find(const surface& content) const;
  // What is in front there; null: the background.
  const placed_window* at(int x, int y) const;
  void paint(pixman_image_t* target) const;

 private:
  void find_place(placed_window& which) const;
  // Nothing below it is to be seen.
  bool covers_all(const placed_window& which) const;
  bool is_free(const placed_window& which) const;

  output& screen_;
  // From the bottom.
  std::vector<placed_window> windows_;
};

}  // namespace compositor
