// SPDX-License-Identifier: MIT
#include "scene.h"

#include <algorithm>

#include "surface.h"

namespace compositor {

void scene::show(surface& content, bool fills_output) {
  hide(content);
  placed_window added{&content, 0, 0, fills_output};
  if (!fills_output) find_place(added);
  const auto in_front = [&](const placed_window& each) { return fills_output && !each.fills_output; };
  windows_.insert(std::find_if(windows_.begin(), windows_.end(), in_front), added);
  screen_.damage_all();
}

void scene::hide(const surface& content) {
  std::erase_if(windows_, [&](const placed_window& each) { return each.content == &content; });
  screen_.damage_all();
}

const placed_window* scene::find(const surface& content) const {
  const auto found = std::find_if(windows_.begin(), windows_.end(),
                                  [&](const placed_window& each) { return each.content == &content; });
  return found != windows_.end() ? &*found : nullptr;
}

const placed_window* scene::at(int x, int y) const {
  const auto found = std::find_if(windows_.rbegin(), windows_.rend(), [&](const placed_window& each) {
    return x >= each.x && x < each.x + each.content->width() && y >= each.y &&
           y < each.y + each.content->height();
  });
  return found != windows_.rend() ? &*found : nullptr;
}

bool scene::is_free(const placed_window& which) const {
  return std::none_of(windows_.begin(), windows_.end(), [&](const placed_window& each) {
    return !each.fills_output && each.x < which.x + which.content->width() &&
           which.x < each.x + each.content->width() && each.y < which.y + which.content->height() &&
           which.y < each.y + each.content->height();
  });
}

void scene::find_place(placed_window& which) const {
  // Windows that are tiny would have very many places.
  constexpr int least_step = 64;
  const int width = std::max(which.content->width(), least_step);
  const int height = std::max(which.content->height(), least_step);
  for (int y = screen_.height() - height; y >= 0; y -= height) {
    for (int x = 0; x + width <= screen_.width(); x += width) {
      which.x = x, which.y = y;
      if (is_free(which)) return;
    }
  }
  which.x = which.y = 0;
}

bool scene::covers_all(const placed_window& which) const {
  return which.x <= 0 && which.y <= 0 && which.content->is_opaque() &&
         which.x + which.content->width() >= screen_.width() &&
         which.y + which.content->height() >= screen_.height();
}

void scene::paint(pixman_image_t* target) const {
  auto first = windows_.end();
  while (first != windows_.begin() && (first == windows_.end() || !covers_all(*first))) --first;
  for (; first != windows_.end(); ++first) first->content->paint(target, first->x, first->y);
}

}  // namespace compositor
