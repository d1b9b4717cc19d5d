// SPDX-License-Identifier: MIT
//
// wl_subcompositor: surfaces within surfaces.
#pragma once

#include "surface.h"

namespace compositor {

class subsurface : public role {
 public:
  static void create(wl_client* client, wl_resource* factory, uint32_t id, surface& child, surface& parent);
  subsurface(surface& child, surface& parent) : child_(&child), parent_(&parent) {}
  subsurface(const subsurface&) = delete;
  subsurface& operator=(const subsurface&) = delete;
  ~subsurface() override;

  bool position(int* x, int* y) const override;
  bool synchronized() const override;
  void surface_destroyed() override;

  void parent_committed();
  void parent_destroyed() { parent_ = nullptr; }
  const surface* parent() const { return parent_; }
  int height_of_tree() const { return child_->height_of_tree(); }
  void paint(pixman_image_t* target, int x, int y) const { child_->paint(target, x + x_, y + y_); }

  void move(int32_t x, int32_t y) { next_x_ = within_reach(x), next_y_ = within_reach(y); }
  void set_synchronized(bool wanted);
  // Right above or below a sibling, or the parent.
  void restack(wl_resource* self, const surface& beside, bool above);

 private:
  void leave_parent();

  // Null: destroyed. Without a parent it is not shown, without a surface it is not in the parent's stack.
  surface* child_;
  surface* parent_;
  int32_t x_ = 0, y_ = 0, next_x_ = 0, next_y_ = 0;
  bool synchronized_ = true;
};

bool offer_subcompositor(wl_display* display);

}  // namespace compositor
