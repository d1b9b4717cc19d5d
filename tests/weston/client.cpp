// SPDX-License-Identifier: MIT
#include "client.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace weston_test {

const wl_registry_listener client::registry_events = {
    .global = [](void* self, wl_registry* registry, uint32_t name, const char* interface,
                 uint32_t) { static_cast<client*>(self)->bind(registry, name, interface); },
    .global_remove = [](void*, wl_registry*, uint32_t) {},
};

// Only what version 1 sends.
const wl_output_listener client::output_events = [] {
  wl_output_listener all{};
  all.geometry = [](void*, wl_output*, int32_t, int32_t, int32_t, int32_t, int32_t, const char*, const char*,
                    int32_t) {};
  all.mode = [](void* self, wl_output*, uint32_t, int32_t width, int32_t height, int32_t) {
    static_cast<client*>(self)->output_width_ = width;
    static_cast<client*>(self)->output_height_ = height;
  };
  return all;
}();

const xdg_wm_base_listener client::shell_events = {
    .ping = [](void*, xdg_wm_base* shell, uint32_t serial) { xdg_wm_base_pong(shell, serial); },
};

client::client() : display_(wl_display_connect(nullptr)) {
  if (!display_) throw std::runtime_error(std::string("no server: ") + strerror(errno));
  registry_.reset(wl_display_get_registry(display_.get()));
  wl_registry_add_listener(registry_.get(), &registry_events, this);
  roundtrip();
  if (!shm_ || !compositor_ || !subcompositor_ || !shell_ || !output_ || !screenshooter_) {
    throw std::runtime_error("the server lacks an interface");
  }
  wl_output_add_listener(output_.get(), &output_events, this);
  xdg_wm_base_add_listener(shell_.get(), &shell_events, nullptr);
  roundtrip();
}

void client::bind(wl_registry* registry, uint32_t name, const char* interface) {
  const auto take = [&](auto& object, const wl_interface& type) {
    if (strcmp(interface, type.name) != 0) return;
    using pointer = typename std::remove_reference_t<decltype(object)>::pointer;
    object.reset(static_cast<pointer>(wl_registry_bind(registry, name, &type, 1)));
  };
  take(shm_, wl_shm_interface);
  take(compositor_, wl_compositor_interface);
  take(subcompositor_, wl_subcompositor_interface);
  take(data_devices_, wl_data_device_manager_interface);
  take(shell_, xdg_wm_base_interface);
  take(output_, wl_output_interface);
  take(screenshooter_, weston_screenshooter_interface);
  take(seat_, wl_seat_interface);
}

long client::now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void client::fail() const {
  wl_display* display = display_.get();
  const int error = wl_display_get_error(display);
  if (error != EPROTO) throw disconnected(strerror(error));
  const wl_interface* type = nullptr;
  uint32_t object = 0;
  const uint32_t code = wl_display_get_protocol_error(display, &type, &object);
  throw disconnected(std::string(type != nullptr ? type->name : "object") + " error " + std::to_string(code));
}

void client::dispatch(int milliseconds) {
  wl_display* display = display_.get();
  while (wl_display_prepare_read(display) != 0) {
    if (wl_display_dispatch_pending(display) < 0) fail();
  }
  // A connection that was closed may still hold the error that says why.
  if (wl_display_flush(display) < 0 && errno != EAGAIN && errno != EPIPE) {
    wl_display_cancel_read(display);
    fail();
  }
  pollfd item{wl_display_get_fd(display), POLLIN, 0};
  if (poll(&item, 1, milliseconds) <= 0) {
    wl_display_cancel_read(display);
    return;
  }
  if (wl_display_read_events(display) < 0 || wl_display_dispatch_pending(display) < 0) fail();
}

void client::roundtrip() {
  bool done = false;
  static const wl_callback_listener events = {
      .done = [](void* data, wl_callback*, uint32_t) { *static_cast<bool*>(data) = true; },
  };
  owned<wl_callback> callback(wl_display_sync(display_.get()));
  wl_callback_add_listener(callback.get(), &events, &done);
  if (!wait([&] { return done; }, 10000)) throw no_answer("no answer in 10 s");
}

pid_t client::server() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  getsockopt(descriptor(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return peer.pid;
}

}  // namespace weston_test
