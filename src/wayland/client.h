// SPDX-License-Identifier: MIT
//
// What is known of a client: one record for all of its views, which lives until the last of them has ended.
#pragma once

#include <stdint.h>
#include <wayland-server-core.h>

#include <atomic>

namespace nosigbus::wayland {

struct client_record {
  // --- Main thread.
  wl_client* client;  // null when it has gone
  wl_listener gone;
  wl_list damaged;   // views, by nosigbus_wl_view.damage_link, that nobody has begun to heal
  uint64_t resizes;  // requests so far that may have healed its views
  uint64_t turn;     // watch.turn of the last one
  unsigned tried;    // views that it was tried to heal in that turn
  wl_list kept;      // its wl_buffers with views, that which was asked for last in front (view.cpp)
  unsigned kept_count;
  bool disconnecting;

  // Of the client, each view and each wl_buffer that had one; dropped on any thread. acq_rel: the last one
  // frees what others wrote.
  std::atomic<uint32_t> references;
};

// The client's record, and a reference to it for the caller; null: no memory. Where the display is watched
// and there is none, the client is being destroyed: the record knows that it has gone. Main thread.
client_record* use_client(wl_client* client);
// Has a client that is not being destroyed known. Main thread.
void know_client(wl_client* client);
// The client's record if it has one. Main thread.
client_record* find_client(wl_client* client);
// Any thread.
void drop_client(client_record& record);

// Posts the error that libwayland posts after a fault: on the buffer, or where that is null, on what else of
// the client's shared memory there is. Main thread.
void post_access_error(wl_client* client, wl_resource* buffer);

}  // namespace nosigbus::wayland
