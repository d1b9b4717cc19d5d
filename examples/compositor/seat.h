// SPDX-License-Identifier: MIT
//
// wl_seat: a pointer that stands still in the middle of the screen, with one button.
#pragma once

#include <wayland-server-core.h>

#include <cstdint>

#include "resource.h"
#include "surface.h"

namespace compositor {

class server;

// A surface that follows the pointer: its cursor, or what it drags.
class pointer_image : public role {
 public:
  explicit pointer_image(server& owner) : server_(owner) {}
  pointer_image(const pointer_image&) = delete;
  pointer_image& operator=(const pointer_image&) = delete;
  ~pointer_image() override { show(nullptr); }

  void show(surface* content);
  // Where the pointer is within it.
  void set_hotspot(int32_t x, int32_t y) { hotspot_x_ = within_reach(x), hotspot_y_ = within_reach(y); }
  void paint(pixman_image_t* target) const;

  bool position(int* x, int* y) const override;
  void surface_destroyed() override;

 private:
  server& server_;
  surface* content_ = nullptr;
  int32_t hotspot_x_ = 0, hotspot_y_ = 0;
};

class seat {
 public:
  explicit seat(server& owner);
  seat(const seat&) = delete;
  seat& operator=(const seat&) = delete;
  ~seat();

  // wl_seat and wl_data_device_manager. False: no memory.
  bool offer();
  // After something has changed in front of, or behind, something else.
  void update_focus();
  // For a while.
  void press_button();
  void release_button();
  void paint(pixman_image_t* target) const;

  void add_pointer(wl_resource* pointer);
  void set_cursor(wl_resource* pointer, surface* image, int32_t x, int32_t y);
  // False: not with this serial, or not with this icon. source: may be null.
  bool start_drag(uint32_t serial, wl_resource* source, surface* icon);
  int x() const;
  int y() const;

 private:
  // To the pointers of the client that has the focus.
  template <class F>
  void tell_focused(F event);
  void enter(wl_resource* pointer);
  void end_drag();

  server& server_;
  wl_list pointers_;
  resource_reference focus_;
  wl_event_source* release_timer_ = nullptr;
  uint32_t press_serial_ = 0;
  bool pressed_ = false;
  pointer_image cursor_, icon_;
  resource_reference drag_source_;
};

// wl_data_device_manager.
bool offer_drag(server& owner);

}  // namespace compositor
