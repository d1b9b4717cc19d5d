// SPDX-License-Identifier: MIT
//
// Sets of pixels, and where they are. What clients say of them may be any number.
#pragma once

#include <pixman.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace compositor {

// Beyond all that is ever seen; the sum of some of them is still an int.
inline int within_reach(int64_t coordinate) {
  constexpr int furthest = 1 << 20;
  return static_cast<int>(std::clamp<int64_t>(coordinate, -furthest, furthest));
}

class region {
 public:
  region() { pixman_region32_init(&all_); }
  region(int width, int height) {
    pixman_region32_init_rect(&all_, 0, 0, static_cast<unsigned>(width), static_cast<unsigned>(height));
  }
  region(region&& other) noexcept : region() { std::swap(all_, other.all_); }
  region& operator=(region&& other) noexcept {
    std::swap(all_, other.all_);
    return *this;
  }
  region(const region&) = delete;
  region& operator=(const region&) = delete;
  ~region() { pixman_region32_fini(&all_); }

  void clear() { pixman_region32_clear(&all_); }
  bool empty() const { return pixman_region32_not_empty(mutable_all()) == 0; }
  // The part of the rectangle that is within reach.
  void add(int32_t x, int32_t y, int32_t width, int32_t height) {
    const int left = within_reach(x), top = within_reach(y);
    const int right = within_reach(int64_t{x} + width), bottom = within_reach(int64_t{y} + height);
    if (right <= left || bottom <= top) return;
    pixman_region32_union_rect(&all_, &all_, left, top, static_cast<unsigned>(right - left),
                               static_cast<unsigned>(bottom - top));
    keep_short();
  }
  void add(const region& other) {
    pixman_region32_union(&all_, &all_, other.mutable_all());
    keep_short();
  }
  void move(int x, int y) { pixman_region32_translate(&all_, x, y); }
  void clip(int width, int height) {
    pixman_region32_intersect_rect(&all_, &all_, 0, 0, static_cast<unsigned>(width),
                                   static_cast<unsigned>(height));
  }
  std::span<const pixman_box32_t> boxes() const {
    int count = 0;
    const pixman_box32_t* const first = pixman_region32_rectangles(mutable_all(), &count);
    return {first, static_cast<size_t>(count)};
  }
  pixman_region32_t* get() { return &all_; }

 private:
  static constexpr int most_boxes = 64;

  // No client makes it long: who damages a thousand rectangles has damaged all that is between them.
  void keep_short() {
    if (pixman_region32_n_rects(&all_) <= most_boxes) return;
    const pixman_box32_t around = *pixman_region32_extents(&all_);
    pixman_region32_reset(&all_, &around);
  }
  // pixman reads through pointers that are not const.
  pixman_region32_t* mutable_all() const { return const_cast<pixman_region32_t*>(&all_); }
  pixman_region32_t all_;
};

}  // namespace compositor
