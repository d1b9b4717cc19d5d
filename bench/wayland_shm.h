// SPDX-License-Identifier: MIT
//
// The one library that guards shared memory today: libwayland-server, whose buffers (wl_shm) a display server
// reads between begin_access and end_access.
#pragma once

#include <signal.h>
#include <wayland-server-core.h>

#include <cstddef>
#include <memory>

struct wl_buffer;
struct wl_registry;
struct wl_shm;
struct wl_shm_pool;

namespace bench {

// A server and a client of it, both in this process.
class wayland_connection {
 public:
  wayland_connection();
  ~wayland_connection();
  wayland_connection(const wayland_connection&) = delete;
  wayland_connection& operator=(const wayland_connection&) = delete;

  // Lets both sides have what the other has sent. Returns false when the server has thrown the client out.
  bool exchange() const;
  wl_client* client() const { return client_; }
  wl_shm* shm() const { return shm_; }

 private:
  wl_display* server_;
  wl_client* client_;
  // Of the client; its type has the same name as the server's.
  wl_display* connection_;
  wl_registry* registry_;
  wl_shm* shm_ = nullptr;
};

// A buffer over the whole of a file.
class wayland_buffer {
 public:
  // size: a multiple of 64 KiB, at most 1 GiB. connection: that of a client and a server of its own.
  wayland_buffer(int fd, size_t size) : wayland_buffer(fd, size, std::make_shared<wayland_connection>()) {}
  wayland_buffer(int fd, size_t size, std::shared_ptr<wayland_connection> connection);
  ~wayland_buffer();
  wayland_buffer(const wayland_buffer&) = delete;
  wayland_buffer& operator=(const wayland_buffer&) = delete;

  wl_resource* resource() const { return resource_; }
  wl_shm_buffer* get() const { return buffer_; }
  unsigned char* data() const { return static_cast<unsigned char*>(wl_shm_buffer_get_data(buffer_)); }

 private:
  std::shared_ptr<wayland_connection> connection_;
  // The client's side, and the server's.
  wl_shm_pool* pool_;
  wl_buffer* proxy_;
  wl_resource* resource_;
  wl_shm_buffer* buffer_;
};

// While it lives, SIGBUS is libwayland's.
class wayland_handler {
 public:
  wayland_handler() { sigaction(SIGBUS, &action(), &before_); }
  ~wayland_handler() { sigaction(SIGBUS, &before_, nullptr); }
  wayland_handler(const wayland_handler&) = delete;
  wayland_handler& operator=(const wayland_handler&) = delete;

  static const struct sigaction& action();

 private:
  struct sigaction before_;
};

}  // namespace bench
