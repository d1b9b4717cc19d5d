// SPDX-License-Identifier: MIT
#include "server.h"

#include <poll.h>
#include <signal.h>
#include <wayland-server-protocol.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "subsurface.h"
#include "surface.h"
#include "xdg_shell.h"

namespace compositor {

namespace {

constexpr int compositor_version = 4;

constexpr struct wl_region_interface region_requests = {
    .destroy = destroy_request,
    .add = [](wl_client*, wl_resource*, int32_t, int32_t, int32_t, int32_t) {},
    .subtract = [](wl_client*, wl_resource*, int32_t, int32_t, int32_t, int32_t) {},
};

constexpr struct wl_compositor_interface compositor_requests = {
    .create_surface =
        [](wl_client* client, wl_resource* self, uint32_t id) {
          const auto version = static_cast<uint32_t>(wl_resource_get_version(self));
          serve(client, [&] { surface::create(implementation_of<server>(self), client, version, id); });
        },
    .create_region =
        [](wl_client* client, wl_resource*, uint32_t id) {
          make_plain_resource(client, &wl_region_interface, 1, id, &region_requests, nullptr);
        },
};

void bind_compositor(wl_client* client, void* self, uint32_t version, uint32_t id) {
  make_plain_resource(client, &wl_compositor_interface, version, id, &compositor_requests, self);
}

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string(what) + ": " + strerrordesc_np(errno));
}

}  // namespace

server::server(const settings& wanted)
    : display_(wl_display_create()),
      options(wanted),
      display(display_.get()),
      loop(display != nullptr ? wl_display_get_event_loop(display) : nullptr),
      screen(options.width, options.height),
      windows(screen),
      pointers(*this),
      captures(*this),
      log_(display) {
  require(display != nullptr, "wl_display_create");
  watch_signals();
  require(start_shm(display, options.tolerant), shm_name());
  offer_globals();
  listen();
}

server::~server() {
  const std::lock_guard held(lock_);
  wl_display_destroy_clients(display);
  stop_shm(display);
}

void server::offer_globals() {
  require(wl_display_init_shm(display) == 0 &&
              wl_global_create(display, &wl_compositor_interface, compositor_version, this,
                               bind_compositor) != nullptr &&
              offer_subcompositor(display) && offer_xdg_shell(*this) && screen.offer(display) &&
              pointers.offer() && captures.offer(),
          "globals");
}

wl_event_source* server::keep(wl_event_source* made) {
  require(made != nullptr, "event loop");
  sources_.emplace_back(made);
  return made;
}

void server::listen() {
  const auto repaint = [](void* self) {
    static_cast<server*>(self)->repaint_due_ = true;
    return 0;
  };
  const auto deliver = [](int, uint32_t, void* self) {
    static_cast<server*>(self)->uploads.deliver();
    return 0;
  };
  repaint_timer_ = keep(wl_event_loop_add_timer(loop, repaint, this));
  keep(wl_event_loop_add_fd(loop, uploads.descriptor(), WL_EVENT_READABLE, deliver, this));
  const char* socket = options.socket.c_str();
  if (options.socket.empty()) {
    socket = wl_display_add_socket_auto(display);
    require(socket != nullptr, "no socket");
  } else {
    require(wl_display_add_socket(display, socket) == 0, socket);
  }
  printf("%s, with %s\n", socket, shm_name());
}

void server::watch_signals() {
  const auto end = [](int, void* self) {
    static_cast<server*>(self)->stop();
    return 0;
  };
  const auto press = [](int, void* self) {
    static_cast<server*>(self)->pointers.press_button();
    return 0;
  };
  const auto picture = [](int, void* self) {
    static_cast<server*>(self)->write_picture();
    return 0;
  };
  keep(wl_event_loop_add_signal(loop, SIGTERM, end, this));
  keep(wl_event_loop_add_signal(loop, SIGINT, end, this));
  keep(wl_event_loop_add_signal(loop, SIGUSR1, press, this));
  keep(wl_event_loop_add_signal(loop, SIGUSR2, picture, this));
}

uint32_t server::milliseconds() {
  using std::chrono::duration_cast, std::chrono::steady_clock;
  return static_cast<uint32_t>(
      duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch()).count());
}

void server::run() {
  const std::lock_guard held(lock_);
  while (!stopped_) {
    wl_display_flush_clients(display);
    pollfd events{wl_event_loop_get_fd(loop), POLLIN, 0};
    lock_.unlock();
    poll(&events, 1, repaint_due_ ? 0 : -1);
    lock_.lock();
    wl_event_loop_dispatch(loop, 0);
    if (repaint_due_) paint();
  }
  write_picture();
}

void server::schedule_repaint() {
  if (repaint_scheduled_) return;
  repaint_scheduled_ = true;
  const uint32_t passed = milliseconds() - last_painted_;
  const auto interval = static_cast<uint32_t>(options.interval);
  // A timer of zero is none.
  if (passed >= interval) {
    repaint_due_ = true;
  } else {
    wl_event_source_timer_update(repaint_timer_, static_cast<int>(interval - passed));
  }
}

void server::paint() {
  repaint_scheduled_ = repaint_due_ = false;
  // Of textures, and nothing of libwayland's.
  lock_.unlock();
  const auto begin = std::chrono::steady_clock::now();
  screen.paint([&](pixman_image_t* target) {
    windows.paint(target);
    pointers.paint(target);
  });
  paint_time += std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
  lock_.lock();
  last_painted_ = milliseconds();
  for (surface* const each : surfaces) each->painted(last_painted_);
  captures.take();
  if (++frames_painted_ == options.frames) stop();
}

void server::write_picture() const {
  if (options.picture.empty()) return;
  try {
    const std::string error = screen.write(options.picture);
    if (!error.empty()) fprintf(stderr, "%s: %s\n", options.picture.c_str(), error.c_str());
  } catch (const std::bad_alloc&) {
    fputs("no memory for a picture\n", stderr);
  }
}

}  // namespace compositor
