// SPDX-License-Identifier: MIT
#include "seat.h"

#include <linux/input-event-codes.h>
#include <wayland-server-protocol.h>

#include "server.h"

namespace compositor {

namespace {

constexpr int press_milliseconds = 300;
constexpr uint32_t version_offered = 1;

void get_inert(wl_client* client, wl_resource* self, uint32_t id, const wl_interface* type,
               const void* requests) {
  make_plain_resource(client, type, static_cast<uint32_t>(wl_resource_get_version(self)), id, requests,
                      nullptr);
}

void set_cursor(wl_client*, wl_resource* self, uint32_t, wl_resource* image, int32_t x, int32_t y) {
  implementation_of<seat>(self).set_cursor(
      self, image != nullptr ? &implementation_of<surface>(image) : nullptr, x, y);
}

constexpr struct wl_pointer_interface pointer_requests = {.set_cursor = set_cursor,
                                                          .release = destroy_request};
constexpr struct wl_keyboard_interface keyboard_requests = {.release = destroy_request};
constexpr struct wl_touch_interface touch_requests = {.release = destroy_request};

constexpr struct wl_seat_interface requests = {
    .get_pointer =
        [](wl_client* client, wl_resource* self, uint32_t id) {
          auto& owner = implementation_of<seat>(self);
          wl_resource* const pointer = make_plain_resource(
              client, &wl_pointer_interface, static_cast<uint32_t>(wl_resource_get_version(self)), id,
              &pointer_requests, &owner,
              [](wl_resource* resource) { wl_list_remove(wl_resource_get_link(resource)); });
          if (pointer != nullptr) owner.add_pointer(pointer);
        },
    .get_keyboard =
        [](wl_client* client, wl_resource* self, uint32_t id) {
          get_inert(client, self, id, &wl_keyboard_interface, &keyboard_requests);
        },
    .get_touch = [](wl_client* client, wl_resource* self,
                    uint32_t id) { get_inert(client, self, id, &wl_touch_interface, &touch_requests); },
    .release = destroy_request,
};

void bind(wl_client* client, void* data, uint32_t version, uint32_t id) {
  wl_resource* const made = make_plain_resource(client, &wl_seat_interface, version, id, &requests, data);
  if (made != nullptr) wl_seat_send_capabilities(made, WL_SEAT_CAPABILITY_POINTER);
}

}  // namespace

void pointer_image::show(surface* content) {
  if (content_ != nullptr) content_->leave_role();
  content_ = content;
  server_.screen.damage_all();
  server_.schedule_repaint();
}

void pointer_image::surface_destroyed() {
  content_ = nullptr;
  server_.screen.damage_all();
}

bool pointer_image::position(int* x, int* y) const {
  *x = server_.pointers.x() - hotspot_x_;
  *y = server_.pointers.y() - hotspot_y_;
  return true;
}

void pointer_image::paint(pixman_image_t* target) const {
  int x, y;
  if (content_ != nullptr && position(&x, &y)) content_->paint(target, x, y);
}

seat::seat(server& owner) : server_(owner), cursor_(owner), icon_(owner) { wl_list_init(&pointers_); }

seat::~seat() {
  if (release_timer_ != nullptr) wl_event_source_remove(release_timer_);
}

bool seat::offer() {
  release_timer_ = wl_event_loop_add_timer(
      server_.loop,
      [](void* self) {
        static_cast<seat*>(self)->release_button();
        return 0;
      },
      this);
  return release_timer_ != nullptr && offer_drag(server_) &&
         wl_global_create(server_.display, &wl_seat_interface, version_offered, this, bind) != nullptr;
}

int seat::x() const { return server_.screen.width() / 2; }
int seat::y() const { return server_.screen.height() / 2; }

template <class F>
void seat::tell_focused(F event) {
  if (focus_.get() == nullptr) return;
  wl_client* const client = wl_resource_get_client(focus_.get());
  wl_resource* pointer;
  wl_resource_for_each(pointer, &pointers_) {
    if (wl_resource_get_client(pointer) == client) event(pointer);
  }
}

void seat::update_focus() {
  const placed_window* const below = server_.windows.at(x(), y());
  wl_resource* const now = below != nullptr ? below->content->resource() : nullptr;
  if (now == focus_.get()) return;
  tell_focused([&](wl_resource* pointer) {
    wl_pointer_send_leave(pointer, wl_display_next_serial(server_.display), focus_.get());
  });
  // The image is the one of who had it.
  cursor_.show(nullptr);
  focus_.reset(now);
  tell_focused([&](wl_resource* pointer) { enter(pointer); });
}

void seat::enter(wl_resource* pointer) {
  const placed_window* const below = server_.windows.at(x(), y());
  if (below == nullptr) return;
  wl_pointer_send_enter(pointer, wl_display_next_serial(server_.display), focus_.get(),
                        wl_fixed_from_int(x() - below->x), wl_fixed_from_int(y() - below->y));
}

void seat::add_pointer(wl_resource* pointer) {
  wl_list_insert(&pointers_, wl_resource_get_link(pointer));
  if (focus_.get() != nullptr && wl_resource_get_client(focus_.get()) == wl_resource_get_client(pointer)) {
    enter(pointer);
  }
}

void seat::press_button() {
  if (pressed_) return;
  pressed_ = true;
  press_serial_ = wl_display_next_serial(server_.display);
  tell_focused([&](wl_resource* pointer) {
    wl_pointer_send_button(pointer, press_serial_, server_.milliseconds(), BTN_LEFT,
                           WL_POINTER_BUTTON_STATE_PRESSED);
  });
  wl_event_source_timer_update(release_timer_, press_milliseconds);
}

void seat::release_button() {
  if (!pressed_) return;
  pressed_ = false;
  end_drag();
  tell_focused([&](wl_resource* pointer) {
    wl_pointer_send_button(pointer, wl_display_next_serial(server_.display), server_.milliseconds(), BTN_LEFT,
                           WL_POINTER_BUTTON_STATE_RELEASED);
  });
}

void seat::set_cursor(wl_resource* pointer, surface* image, int32_t x, int32_t y) {
  // Who has lost the focus since is not told.
  if (focus_.get() == nullptr || wl_resource_get_client(focus_.get()) != wl_resource_get_client(pointer))
    return;
  cursor_.show(nullptr);
  if (image != nullptr && !image->take_role(&wl_pointer_interface, &cursor_)) {
    return wl_resource_post_error(pointer, WL_POINTER_ERROR_ROLE, "the surface has a role already");
  }
  cursor_.set_hotspot(x, y);
  cursor_.show(image);
}

bool seat::start_drag(uint32_t serial, wl_resource* source, surface* icon) {
  // One that is late is no mistake of the client's.
  if (!pressed_ || serial != press_serial_) return true;
  end_drag();
  if (icon != nullptr && !icon->take_role(&wl_data_device_interface, &icon_)) return false;
  drag_source_.reset(source);
  icon_.show(icon);
  return true;
}

// Nobody here takes what is dropped.
void seat::end_drag() {
  icon_.show(nullptr);
  if (drag_source_.get() != nullptr) wl_data_source_send_cancelled(drag_source_.get());
  drag_source_.reset(nullptr);
}

void seat::paint(pixman_image_t* target) const {
  cursor_.paint(target);
  icon_.paint(target);
}

}  // namespace compositor
