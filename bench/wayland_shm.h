// SPDX-License-Identifier: MIT
//
// The one library that guards shared memory today: libwayland-server, whose buffers (wl_shm) a display server
// reads between begin_access and end_access.
#pragma once

#include <signal.h>
#include <wayland-server-core.h>

#include <cstddef>

struct wl_buffer;

namespace bench {

// A buffer over the whole of a file, of a client of its own to a server of its own, both in this process.
class wayland_buffer {
 public:
  // size: a multiple of 64 KiB, at most 1 GiB.
  wayland_buffer(int fd, size_t size);
  ~wayland_buffer();
  wayland_buffer(const wayland_buffer&) = delete;
  wayland_buffer& operator=(const wayland_buffer&) = delete;

  wl_resource* resource() const { return resource_; }
  wl_shm_buffer* get() const { return buffer_; }
  unsigned char* data() const { return static_cast<unsigned char*>(wl_shm_buffer_get_data(buffer_)); }

 private:
  // Lets both sides have what the other has sent.
  void exchange() const;

  wl_display* server_;
  wl_client* client_;
  // Of the client; its type has the same name as the server's.
  wl_display* connection_;
  wl_resource* resource_;
  wl_shm_buffer* buffer_;
};

// While it lives, SIGBUS is libwayland's.
class wayland_handler {
 public:
  wayland_handler();
  ~wayland_handler() { sigaction(SIGBUS, &before_, nullptr); }
  wayland_handler(const wayland_handler&) = delete;
  wayland_handler& operator=(const wayland_handler&) = delete;

 private:
  struct sigaction before_;
};

}  // namespace bench
