// SPDX-License-Identifier: MIT
#include "surface.h"

#include <cstdint>

namespace weston_test {

namespace {

constexpr int answer_milliseconds = 5000;

const wl_callback_listener painted_events = {
    .done = [](void* data, wl_callback*, uint32_t) { *static_cast<bool*>(data) = true; },
};

const xdg_surface_listener role_events = {
    .configure =
        [](void* data, xdg_surface* role, uint32_t serial) {
          xdg_surface_ack_configure(role, serial);
          *static_cast<bool*>(data) = true;
        },
};
// Sent again when the focus changes; nothing depends on it then.
bool g_configured;

const weston_screenshooter_listener shot_events = {
    .done = [](void* data, weston_screenshooter*) { *static_cast<bool*>(data) = true; },
};
bool g_shot;

}  // namespace

void surface::commit(wl_buffer* content) {
  if (content != nullptr) wl_surface_attach(get(), content, 0, 0);
  wl_surface_damage(get(), 0, 0, INT32_MAX, INT32_MAX);
  wl_surface_commit(get());
}

void surface::show(wl_buffer* content, int times) {
  for (int i = 0; i < times; ++i) {
    bool painted = false;
    owned<wl_callback> callback(wl_surface_frame(get()));
    wl_callback_add_listener(callback.get(), &painted_events, &painted);
    commit(content);
    if (!client_.wait([&] { return painted; }, answer_milliseconds)) throw no_answer("not painted");
  }
}

window::window(client& connection, size wanted)
    : surface(connection),
      role_(xdg_wm_base_get_xdg_surface(connection.shell(), get())),
      toplevel_(xdg_surface_get_toplevel(role_.get())) {
  g_configured = false;
  xdg_surface_add_listener(role_.get(), &role_events, &g_configured);
  if (wanted == size::output) xdg_toplevel_set_maximized(toplevel_.get());
  wl_surface_commit(get());
  if (!connection.wait([] { return g_configured; }, answer_milliseconds)) throw no_answer("not configured");
}

void take_screenshot(client& connection, wl_buffer* into) {
  weston_screenshooter* shooter = connection.screenshooter();
  if (weston_screenshooter_get_user_data(shooter) == nullptr) {
    weston_screenshooter_add_listener(shooter, &shot_events, &g_shot);
  }
  g_shot = false;
  weston_screenshooter_take_shot(shooter, connection.output(), into);
  if (!connection.wait([] { return g_shot; }, answer_milliseconds)) throw no_answer("no screenshot");
}

}  // namespace weston_test
