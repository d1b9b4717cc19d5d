// SPDX-License-Identifier: MIT
#pragma once

#include <nosigbus/wayland.h>
#include <src/wayland/client.h>
#include <src/wayland/mapping.h>
#include <wayland-server-core.h>

#include <atomic>

struct nosigbus_wl_view {
  // --- Constant.
  nosigbus::wayland::guarded_mapping memory;
  unsigned char* data;
  size_t size;
  int32_t width, height, stride;
  uint32_t format;
  nosigbus::wayland::client_record* client;  // with a reference

  // Any thread. It falls to 0 under the lock of reports.h alone.
  std::atomic<uint32_t> references;

  // --- Main thread.
  wl_resource* buffer;  // null when it has gone
  wl_list damage_link;  // in client_record.damaged or watch.stale while `damaged`: with a buffer and a watch
  wl_list watch_link;   // in watch.damaged, as long
  bool damaged;
  uint64_t resizes_seen;  // client_record.resizes when it was last tried to heal it

  // --- Under the lock of reports.h.
  uint64_t told;  // faults
  nosigbus_wl_view* next_unheard;
};

namespace nosigbus::wayland {

// Ends a view to which nobody has a reference. Any thread.
void end_view(nosigbus_wl_view& view);

}  // namespace nosigbus::wayland
