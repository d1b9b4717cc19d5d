// SPDX-License-Identifier: MIT
#include "xdg_shell.h"

#include <memory>

#include "server.h"
#include "surface.h"
#include "xdg-shell-server.h"

namespace compositor {

namespace {

// An xdg_surface. Its xdg_toplevel is of the client's, and may be destroyed before.
class window : public role {
 public:
  window(server& owner, surface& content) : server_(owner), content_(&content) {}
  window(const window&) = delete;
  window& operator=(const window&) = delete;
  ~window() override {
    if (content_ == nullptr) return;
    server_.windows.hide(*content_);
    if (content_->current_role() == this) content_->leave_role();
  }

  surface* content() const { return content_; }
  wl_resource* resource = nullptr;

  bool position(int* x, int* y) const override {
    const placed_window* const placed = server_.windows.find(*content_);
    if (placed == nullptr) return false;
    *x = placed->x;
    *y = placed->y;
    return true;
  }
  bool may_commit(bool shows_buffer) override {
    if (!shows_buffer || acknowledged_) return true;
    wl_resource_post_error(resource, XDG_SURFACE_ERROR_UNCONFIGURED_BUFFER, "a buffer before the size");
    return false;
  }
  void committed() override {
    if (!configured_) configure();
  }
  void content_changed() override {
    if (content_->has_content() && toplevel_ != nullptr) {
      server_.windows.show(*content_, fills_output_);
    } else {
      server_.windows.hide(*content_);
      // Mapped anew, it is configured anew.
      if (!content_->has_content()) configured_ = acknowledged_ = false;
    }
    server_.pointers.update_focus();
  }
  void surface_destroyed() override {
    server_.windows.hide(*content_);
    content_ = nullptr;
    server_.pointers.update_focus();
  }

  bool is_constructed() const { return toplevel_ != nullptr; }
  void become_toplevel(wl_resource* toplevel) { toplevel_ = toplevel; }
  void toplevel_destroyed() {
    toplevel_ = nullptr;
    if (content_ == nullptr) return;
    server_.windows.hide(*content_);
    server_.pointers.update_focus();
  }
  void fill_output(bool wanted) {
    fills_output_ = wanted;
    if (configured_) configure();
  }
  void acknowledge() { acknowledged_ = configured_; }

 private:
  void configure() {
    if (toplevel_ == nullptr) return;
    wl_array states;
    wl_array_init(&states);
    if (fills_output_) {
      if (void* const place = wl_array_add(&states, sizeof(uint32_t))) {
        *static_cast<uint32_t*>(place) = XDG_TOPLEVEL_STATE_MAXIMIZED;
      }
    }
    const output& screen = server_.screen;
    xdg_toplevel_send_configure(toplevel_, fills_output_ ? screen.width() : 0,
                                fills_output_ ? screen.height() : 0, &states);
    wl_array_release(&states);
    xdg_surface_send_configure(resource, wl_display_next_serial(server_.display));
    configured_ = true;
  }

  server& server_;
  surface* content_;
  wl_resource* toplevel_ = nullptr;
  bool fills_output_ = false, configured_ = false, acknowledged_ = false;
};

// A toplevel holds on to its window by its resource: that may go first.
struct toplevel {
  ~toplevel() {
    if (window* const shown = get()) shown->toplevel_destroyed();
  }
  window* get() const { return role.get() != nullptr ? &implementation_of<window>(role.get()) : nullptr; }
  resource_reference role;
};

void fill_output(wl_resource* self, bool wanted) {
  if (window* const shown = implementation_of<toplevel>(self).get()) shown->fill_output(wanted);
}

constexpr struct xdg_toplevel_interface toplevel_requests = {
    .destroy = destroy_request,
    .set_parent = [](wl_client*, wl_resource*, wl_resource*) {},
    .set_title = [](wl_client*, wl_resource*, const char*) {},
    .set_app_id = [](wl_client*, wl_resource*, const char*) {},
    .show_window_menu = [](wl_client*, wl_resource*, wl_resource*, uint32_t, int32_t, int32_t) {},
    .move = [](wl_client*, wl_resource*, wl_resource*, uint32_t) {},
    .resize = [](wl_client*, wl_resource*, wl_resource*, uint32_t, uint32_t) {},
    .set_max_size = [](wl_client*, wl_resource*, int32_t, int32_t) {},
    .set_min_size = [](wl_client*, wl_resource*, int32_t, int32_t) {},
    .set_maximized = [](wl_client*, wl_resource* self) { fill_output(self, true); },
    .unset_maximized = [](wl_client*, wl_resource* self) { fill_output(self, false); },
    .set_fullscreen = [](wl_client*, wl_resource* self, wl_resource*) { fill_output(self, true); },
    .unset_fullscreen = [](wl_client*, wl_resource* self) { fill_output(self, false); },
    .set_minimized = [](wl_client*, wl_resource*) {},
};

constexpr struct xdg_popup_interface popup_requests = {
    .destroy = destroy_request,
    .grab = [](wl_client*, wl_resource*, wl_resource*, uint32_t) {},
    .reposition = nullptr,
};

void get_toplevel(wl_client* client, wl_resource* self, uint32_t id) {
  if (implementation_of<window>(self).is_constructed()) {
    wl_resource_post_error(self, XDG_SURFACE_ERROR_ALREADY_CONSTRUCTED, "it has a toplevel already");
    return;
  }
  auto made = std::make_unique<toplevel>();
  made->role.reset(self);
  wl_resource* const resource =
      make_resource(client, &xdg_toplevel_interface, static_cast<uint32_t>(wl_resource_get_version(self)), id,
                    &toplevel_requests, std::move(made));
  if (resource != nullptr) implementation_of<window>(self).become_toplevel(resource);
}

void get_popup(wl_client* client, wl_resource* self, uint32_t id, wl_resource*, wl_resource*) {
  wl_resource* const popup =
      make_plain_resource(client, &xdg_popup_interface, static_cast<uint32_t>(wl_resource_get_version(self)),
                          id, &popup_requests, nullptr);
  if (popup != nullptr) xdg_popup_send_popup_done(popup);
}

constexpr struct xdg_surface_interface surface_requests = {
    .destroy = destroy_request,
    .get_toplevel = [](wl_client* client, wl_resource* self,
                       uint32_t id) { serve(client, [&] { get_toplevel(client, self, id); }); },
    .get_popup = get_popup,
    .set_window_geometry = [](wl_client*, wl_resource*, int32_t, int32_t, int32_t, int32_t) {},
    .ack_configure = [](wl_client*, wl_resource* self,
                        uint32_t) { implementation_of<window>(self).acknowledge(); },
};

constexpr struct xdg_positioner_interface positioner_requests = {
    .destroy = destroy_request,
    .set_size = [](wl_client*, wl_resource*, int32_t, int32_t) {},
    .set_anchor_rect = [](wl_client*, wl_resource*, int32_t, int32_t, int32_t, int32_t) {},
    .set_anchor = [](wl_client*, wl_resource*, uint32_t) {},
    .set_gravity = [](wl_client*, wl_resource*, uint32_t) {},
    .set_constraint_adjustment = [](wl_client*, wl_resource*, uint32_t) {},
    .set_offset = [](wl_client*, wl_resource*, int32_t, int32_t) {},
    .set_reactive = nullptr,
    .set_parent_size = nullptr,
    .set_parent_configure = nullptr,
};

void get_xdg_surface(wl_client* client, wl_resource* self, uint32_t id, wl_resource* of) {
  auto& content = implementation_of<surface>(of);
  auto made = std::make_unique<window>(content.owner(), content);
  window* const shown = made.get();
  if (content.has_buffer()) {
    return wl_resource_post_error(self, XDG_WM_BASE_ERROR_INVALID_SURFACE_STATE, "it has a buffer already");
  }
  if (!content.take_role(&xdg_surface_interface, shown)) {
    return wl_resource_post_error(self, XDG_WM_BASE_ERROR_ROLE, "the surface has a role already");
  }
  wl_resource* const resource =
      make_resource(client, &xdg_surface_interface, static_cast<uint32_t>(wl_resource_get_version(self)), id,
                    &surface_requests, std::move(made));
  if (resource != nullptr) shown->resource = resource;
}

constexpr struct xdg_wm_base_interface requests = {
    .destroy = destroy_request,
    .create_positioner =
        [](wl_client* client, wl_resource* self, uint32_t id) {
          make_plain_resource(client, &xdg_positioner_interface,
                              static_cast<uint32_t>(wl_resource_get_version(self)), id, &positioner_requests,
                              nullptr);
        },
    .get_xdg_surface = [](wl_client* client, wl_resource* self, uint32_t id,
                          wl_resource* of) { serve(client, [&] { get_xdg_surface(client, self, id, of); }); },
    .pong = [](wl_client*, wl_resource*, uint32_t) {},
};

}  // namespace

bool offer_xdg_shell(server& owner) {
  const auto bind = [](wl_client* client, void*, uint32_t version, uint32_t id) {
    make_plain_resource(client, &xdg_wm_base_interface, version, id, &requests, nullptr);
  };
  return wl_global_create(owner.display, &xdg_wm_base_interface, 1, nullptr, bind) != nullptr;
}

}  // namespace compositor
