// SPDX-License-Identifier: MIT
#pragma once

#include <nosigbus/wayland.h>
#include <wayland-server-core.h>

namespace nosigbus::wayland {

// Main thread.
struct watch {
  wl_display* display;
  wl_listener display_gone, client_made;
  nosigbus_wl_watcher watcher;
  void* user;
  wl_event_source* events;

  // --- healing.h
  wl_event_source* timer;
  uint64_t turn;               // counts what the timer does
  wl_protocol_logger* logger;  // while views are damaged, and a moment longer
  wl_list damaged;             // views of clients that were let live; by watch_link
  wl_list stale;               // some of them, that a request may have healed; by damage_link
};

// The display's watch; null where it has none.
watch* find_watch(wl_display* display);

}  // namespace nosigbus::wayland
