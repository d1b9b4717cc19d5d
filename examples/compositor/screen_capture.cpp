// SPDX-License-Identifier: MIT
#include "screen_capture.h"

#include <wayland-server-protocol.h>

#include <algorithm>
#include <cstring>

#include "server.h"
#include "shm_access.h"
#include "weston-screenshooter-server.h"

namespace compositor {

namespace {

// Who asks for many waits, and not the others for it: of a client there are so many at once, and no more.
constexpr int most_per_frame = 8, most_of_client = 8;

constexpr struct weston_screenshooter_interface requests = {
    .take_shot =
        [](wl_client* client, wl_resource* self, wl_resource*, wl_resource* buffer) {
          serve(client, [&] { implementation_of<screen_capture>(self).request(client, self, buffer); });
        },
};

}  // namespace

bool screen_capture::offer() {
  const auto bind = [](wl_client* client, void* data, uint32_t version, uint32_t id) {
    make_plain_resource(client, &weston_screenshooter_interface, version, id, &requests, data);
  };
  return wl_global_create(server_.display, &weston_screenshooter_interface, 1, this, bind) != nullptr;
}

void screen_capture::request(wl_client* client, wl_resource* shooter, wl_resource* buffer) {
  wl_shm_buffer* const shm = wl_shm_buffer_get(buffer);
  const output& screen = server_.screen;
  if (shm == nullptr || wl_shm_buffer_get_width(shm) != screen.width() ||
      wl_shm_buffer_get_height(shm) != screen.height() ||
      wl_shm_buffer_get_stride(shm) < screen.width() * bytes_per_pixel) {
    wl_client_post_implementation_error(client,
                                        "a screenshot into a buffer that is not of the output's size");
    return;
  }
  wanted_.remove_if(
      [](const shot& each) { return each.buffer.get() == nullptr || each.shooter.get() == nullptr; });
  const auto of_client = std::count_if(wanted_.begin(), wanted_.end(), [&](const shot& each) {
    return wl_resource_get_client(each.shooter.get()) == client;
  });
  if (of_client >= most_of_client) {
    wl_client_post_implementation_error(client, "more than %d screenshots at once", most_of_client);
    return;
  }
  shot& added = wanted_.emplace_back();
  added.shooter.reset(shooter);
  added.buffer.reset(buffer);
  server_.schedule_repaint();
}

void screen_capture::write(wl_resource* buffer) const {
  const output& screen = server_.screen;
  const auto stride = static_cast<size_t>(wl_shm_buffer_get_stride(wl_shm_buffer_get(buffer)));
  write_shm(buffer, [&](std::byte* memory) {
    for (int y = 0; y < screen.height(); ++y) {
      memcpy(memory + static_cast<size_t>(y) * stride, screen.row(y),
             static_cast<size_t>(screen.width()) * bytes_per_pixel);
    }
  });
}

void screen_capture::take() {
  for (int i = 0; i < most_per_frame && !wanted_.empty(); ++i, wanted_.pop_front()) {
    const shot& next = wanted_.front();
    if (next.buffer.get() == nullptr || next.shooter.get() == nullptr) continue;
    write(next.buffer.get());
    weston_screenshooter_send_done(next.shooter.get());
  }
  if (!wanted_.empty()) server_.schedule_repaint();
}

}  // namespace compositor
