// SPDX-License-Identifier: MIT
#include "subsurface.h"

#include <wayland-server-protocol.h>

#include <algorithm>

#include "server.h"

namespace compositor {

namespace {

// Far more than anybody uses, and no danger to the stack.
constexpr int deepest = 32;

void place_beside(wl_resource* self, wl_resource* sibling, bool above) {
  implementation_of<subsurface>(self).restack(self, implementation_of<surface>(sibling), above);
}

constexpr struct wl_subsurface_interface requests = {
    .destroy = destroy_request,
    .set_position = [](wl_client*, wl_resource* self, int32_t x,
                       int32_t y) { implementation_of<subsurface>(self).move(x, y); },
    .place_above = [](wl_client*, wl_resource* self,
                      wl_resource* sibling) { place_beside(self, sibling, true); },
    .place_below = [](wl_client*, wl_resource* self,
                      wl_resource* sibling) { place_beside(self, sibling, false); },
    .set_sync = [](wl_client*,
                   wl_resource* self) { implementation_of<subsurface>(self).set_synchronized(true); },
    .set_desync =
        [](wl_client* client, wl_resource* self) {
          serve(client, [&] { implementation_of<subsurface>(self).set_synchronized(false); });
        },
};

constexpr struct wl_subcompositor_interface factory_requests = {
    .destroy = destroy_request,
    .get_subsurface =
        [](wl_client* client, wl_resource* self, uint32_t id, wl_resource* child, wl_resource* parent) {
          serve(client, [&] {
            subsurface::create(client, self, id, implementation_of<surface>(child),
                               implementation_of<surface>(parent));
          });
        },
};

// Of what holds it; more than `deepest` when it is held by itself.
int depth_of(const surface& parent, const surface& child) {
  int depth = 1;
  for (const surface* at = &parent; at != nullptr; ++depth) {
    if (at == &child) return deepest + 1;
    const auto* const within = dynamic_cast<const subsurface*>(at->current_role());
    at = within != nullptr ? within->parent() : nullptr;
  }
  return depth;
}

}  // namespace

void subsurface::create(wl_client* client, wl_resource* factory, uint32_t id, surface& child,
                        surface& parent) {
  auto made = std::make_unique<subsurface>(child, parent);
  subsurface* const self = made.get();
  if (depth_of(parent, child) + child.height_of_tree() > deepest ||
      !child.take_role(&wl_subsurface_interface, self)) {
    self->child_ = nullptr;
    wl_resource_post_error(factory, WL_SUBCOMPOSITOR_ERROR_BAD_SURFACE,
                           "not a surface that can be within that one");
    return;
  }
  parent.stack().push_back(self);
  make_resource(client, &wl_subsurface_interface, 1, id, &requests, std::move(made));
}

subsurface::~subsurface() {
  leave_parent();
  if (child_ != nullptr) child_->leave_role();
}

void subsurface::leave_parent() {
  if (parent_ != nullptr) std::erase(parent_->stack(), this);
  parent_ = nullptr;
}

void subsurface::surface_destroyed() {
  leave_parent();
  child_->owner().screen.damage_all();
  child_ = nullptr;
}

bool subsurface::position(int* x, int* y) const {
  if (parent_ == nullptr || parent_->current_role() == nullptr) return false;
  if (!parent_->has_content() || !parent_->current_role()->position(x, y)) return false;
  *x += x_;
  *y += y_;
  return true;
}

bool subsurface::synchronized() const {
  if (synchronized_) return true;
  const role* const above = parent_ != nullptr ? parent_->current_role() : nullptr;
  return above != nullptr && above->synchronized();
}

void subsurface::set_synchronized(bool wanted) {
  synchronized_ = wanted;
  if (child_ != nullptr && !synchronized()) child_->apply_cached();
}

void subsurface::parent_committed() {
  if (x_ != next_x_ || y_ != next_y_) child_->owner().screen.damage_all();
  x_ = next_x_;
  y_ = next_y_;
  if (synchronized()) child_->apply_cached();
}

void subsurface::restack(wl_resource* self, const surface& beside, bool above) {
  if (parent_ == nullptr) return;
  auto& stack = parent_->stack();
  const auto sibling = std::find_if(stack.begin(), stack.end(), [&](const subsurface* each) {
    return each == nullptr ? &beside == parent_ : each != this && each->child_ == &beside;
  });
  if (sibling == stack.end()) {
    wl_resource_post_error(self, WL_SUBSURFACE_ERROR_BAD_SURFACE, "neither a sibling nor the parent");
    return;
  }
  subsurface* const mark = *sibling;
  std::erase(stack, this);
  const auto place = std::find(stack.begin(), stack.end(), mark);
  stack.insert(above ? place + 1 : place, this);
  parent_->owner().screen.damage_all();
}

bool offer_subcompositor(wl_display* display) {
  const auto bind = [](wl_client* client, void*, uint32_t version, uint32_t id) {
    make_plain_resource(client, &wl_subcompositor_interface, version, id, &factory_requests, nullptr);
  };
  return wl_global_create(display, &wl_subcompositor_interface, 1, nullptr, bind) != nullptr;
}

}  // namespace compositor
