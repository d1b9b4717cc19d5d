// SPDX-License-Identifier: MIT
//
// A connection to a Wayland server that may end it, or itself, at any time.
#pragma once

#include <wayland-client.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "weston-screenshooter-client.h"
#include "xdg-shell-client.h"

namespace weston_test {

// Thrown by whatever waits for the server.
struct disconnected : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct no_answer : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// What an attack needs and does not find here.
struct impossible : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Ends each kind of object by its own request.
struct destroyer {
  void operator()(wl_display* object) const { wl_display_disconnect(object); }
  void operator()(wl_registry* object) const { wl_registry_destroy(object); }
  void operator()(wl_callback* object) const { wl_callback_destroy(object); }
  void operator()(wl_shm* object) const { wl_shm_destroy(object); }
  void operator()(wl_shm_pool* object) const { wl_shm_pool_destroy(object); }
  void operator()(wl_buffer* object) const { wl_buffer_destroy(object); }
  void operator()(wl_compositor* object) const { wl_compositor_destroy(object); }
  void operator()(wl_subcompositor* object) const { wl_subcompositor_destroy(object); }
  void operator()(wl_surface* object) const { wl_surface_destroy(object); }
  void operator()(wl_subsurface* object) const { wl_subsurface_destroy(object); }
  void operator()(wl_output* object) const { wl_output_destroy(object); }
  void operator()(wl_seat* object) const { wl_seat_destroy(object); }
  void operator()(wl_pointer* object) const { wl_pointer_destroy(object); }
  void operator()(wl_data_device_manager* object) const { wl_data_device_manager_destroy(object); }
  void operator()(wl_data_device* object) const { wl_data_device_destroy(object); }
  void operator()(wl_data_source* object) const { wl_data_source_destroy(object); }
  void operator()(xdg_wm_base* object) const { xdg_wm_base_destroy(object); }
  void operator()(xdg_surface* object) const { xdg_surface_destroy(object); }
  void operator()(xdg_toplevel* object) const { xdg_toplevel_destroy(object); }
  void operator()(weston_screenshooter* object) const { weston_screenshooter_destroy(object); }
};
template <class T>
using owned = std::unique_ptr<T, destroyer>;

class client {
 public:
  // To the socket that WAYLAND_DISPLAY names.
  client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  // Handles events until done() holds; false when it does not within `milliseconds`.
  template <class Condition>
  bool wait(Condition done, int milliseconds) {
    const long deadline = now() + milliseconds;
    while (!done()) {
      const long left = deadline - now();
      if (left <= 0) return false;
      dispatch(static_cast<int>(left));
    }
    return true;
  }
  // After it the server has handled every request so far.
  void roundtrip();
  // The process at the other end.
  pid_t server() const;
  int descriptor() const { return wl_display_get_fd(display_.get()); }

  wl_shm* shm() const { return shm_.get(); }
  wl_compositor* compositor() const { return compositor_.get(); }
  wl_subcompositor* subcompositor() const { return subcompositor_.get(); }
  wl_data_device_manager* data_device_manager() const { return data_devices_.get(); }
  xdg_wm_base* shell() const { return shell_.get(); }
  wl_output* output() const { return output_.get(); }
  weston_screenshooter* screenshooter() const { return screenshooter_.get(); }
  // Null in a server without one, as headless weston is by itself.
  wl_seat* seat() const { return seat_.get(); }
  int output_width() const { return output_width_; }
  int output_height() const { return output_height_; }

 private:
  static long now();
  void dispatch(int milliseconds);
  [[noreturn]] void fail() const;
  void bind(wl_registry* registry, uint32_t name, const char* interface);

  static const wl_registry_listener registry_events;
  static const wl_output_listener output_events;
  static const xdg_wm_base_listener shell_events;

  owned<wl_display> display_;
  owned<wl_registry> registry_;
  owned<wl_shm> shm_;
  owned<wl_compositor> compositor_;
  owned<wl_subcompositor> subcompositor_;
  owned<wl_data_device_manager> data_devices_;
  owned<xdg_wm_base> shell_;
  owned<wl_output> output_;
  owned<weston_screenshooter> screenshooter_;
  owned<wl_seat> seat_;
  int output_width_ = 0, output_height_ = 0;
};

}  // namespace weston_test
