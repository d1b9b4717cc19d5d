/* SPDX-License-Identifier: MIT
 *
 * A C server that uses an installed nosigbus-wayland: exit status 0 when its display is watched until it
 * ends.
 */
#include <nosigbus/runtime.h>
#include <nosigbus/wayland.h>
#include <wayland-server-core.h>

int main(void) {
  struct wl_display* display = wl_display_create();
  struct nosigbus_wl_view* view;
  if (display == NULL || wl_display_init_shm(display) != 0 || nosigbus_install(0) != 0) return 2;
  if (nosigbus_wl_watch(display, NULL, 0, NULL) != 0) return 3;
  if (nosigbus_wl_view_get(&view, NULL, 0) == 0) return 4;
  wl_event_loop_dispatch(wl_display_get_event_loop(display), 0);
  wl_display_destroy(display);
  return 0;
}
