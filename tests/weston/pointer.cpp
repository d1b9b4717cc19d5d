// SPDX-License-Identifier: MIT
#include "pointer.h"

#include <signal.h>

namespace weston_test {

namespace {

constexpr int event_milliseconds = 5000;

// Only what version 1 sends; what later libraries add to these structures stays empty.
const wl_data_source_listener source_events = [] {
  wl_data_source_listener all{};
  all.target = [](void*, wl_data_source*, const char*) {};
  all.send = [](void*, wl_data_source*, const char*, int32_t) {};
  all.cancelled = [](void*, wl_data_source*) {};
  return all;
}();

}  // namespace

const wl_pointer_listener pointer::events = [] {
  wl_pointer_listener all{};
  all.enter = [](void* self, wl_pointer*, uint32_t serial, wl_surface*, wl_fixed_t, wl_fixed_t) {
    static_cast<pointer*>(self)->entered_ = serial;
  };
  all.leave = [](void* self, wl_pointer*, uint32_t, wl_surface*) {
    static_cast<pointer*>(self)->entered_.reset();
  };
  all.motion = [](void*, wl_pointer*, uint32_t, wl_fixed_t, wl_fixed_t) {};
  all.button = [](void* self, wl_pointer*, uint32_t serial, uint32_t, uint32_t, uint32_t state) {
    if (state == WL_POINTER_BUTTON_STATE_PRESSED) static_cast<pointer*>(self)->pressed_ = serial;
  };
  all.axis = [](void*, wl_pointer*, uint32_t, uint32_t, wl_fixed_t) {};
  return all;
}();

pointer::pointer(client& connection) : client_(connection) {
  if (connection.seat() == nullptr) throw impossible("the server has no pointer");
  pointer_.reset(wl_seat_get_pointer(connection.seat()));
  wl_pointer_add_listener(pointer_.get(), &events, this);
}

void pointer::set_cursor(wl_surface* image) {
  if (!client_.wait([&] { return entered_.has_value(); }, event_milliseconds)) throw no_answer("no pointer");
  wl_pointer_set_cursor(pointer_.get(), *entered_, image, 0, 0);
}

void pointer::drag(wl_surface* from, wl_surface* icon) {
  wl_data_device_manager* manager = client_.data_device_manager();
  device_.reset(wl_data_device_manager_get_data_device(manager, client_.seat()));
  source_.reset(wl_data_device_manager_create_data_source(manager));
  wl_data_source_add_listener(source_.get(), &source_events, nullptr);
  kill(client_.server(), SIGUSR1);
  if (!client_.wait([&] { return pressed_.has_value(); }, event_milliseconds)) throw no_answer("no button");
  wl_data_device_start_drag(device_.get(), source_.get(), from, icon, *pressed_);
}

}  // namespace weston_test
