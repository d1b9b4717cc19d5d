// SPDX-License-Identifier: MIT
#include "wayland_shm.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-client.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "buffers.h"

namespace bench {

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "libwayland: %s\n", what);
  abort();
}

void on_global(void* shm, wl_registry* registry, uint32_t name, const char* interface, uint32_t) {
  if (strcmp(interface, "wl_shm") != 0) return;
  *static_cast<wl_shm**>(shm) = static_cast<wl_shm*>(wl_registry_bind(registry, name, &wl_shm_interface, 1));
}
void on_global_removed(void*, wl_registry*, uint32_t) {}

}  // namespace

wayland_connection::wayland_connection() {
  int ends[2];
  require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  server_ = wl_display_create();
  require(server_ != nullptr && wl_display_init_shm(server_) == 0, "server");
  client_ = wl_client_create(server_, ends[0]);
  connection_ = wl_display_connect_to_fd(ends[1]);
  require(client_ != nullptr && connection_ != nullptr, "client");
  registry_ = wl_display_get_registry(connection_);
  static constexpr wl_registry_listener listener{on_global, on_global_removed};
  wl_registry_add_listener(registry_, &listener, &shm_);
  require(exchange() && shm_ != nullptr, "no wl_shm");
}

wayland_connection::~wayland_connection() {
  wl_shm_destroy(shm_);
  wl_registry_destroy(registry_);
  wl_display_destroy_clients(server_);
  wl_display_disconnect(connection_);
  wl_display_destroy(server_);
}

bool wayland_connection::exchange() const {
  if (wl_display_flush(connection_) < 0) return false;
  wl_event_loop_dispatch(wl_display_get_event_loop(server_), 0);
  wl_display_flush_clients(server_);
  if (wl_display_prepare_read(connection_) != 0) return false;
  pollfd socket{wl_display_get_fd(connection_), POLLIN, 0};
  if (poll(&socket, 1, 0) == 1) {
    if (wl_display_read_events(connection_) != 0) return false;
  } else {
    wl_display_cancel_read(connection_);
  }
  return wl_display_dispatch_pending(connection_) >= 0;
}

wayland_buffer::wayland_buffer(int fd, size_t size, std::shared_ptr<wayland_connection> connection)
    : connection_(std::move(connection)) {
  pool_ = wl_shm_create_pool(connection_->shm(), fd, static_cast<int32_t>(size));
  constexpr int32_t stride = 1 << 16;
  proxy_ = wl_shm_pool_create_buffer(pool_, 0, stride / 4, static_cast<int32_t>(size / stride), stride,
                                     WL_SHM_FORMAT_XRGB8888);
  require(connection_->exchange(), "exchange");
  const uint32_t id = wl_proxy_get_id(reinterpret_cast<wl_proxy*>(proxy_));
  resource_ = wl_client_get_object(connection_->client(), id);
  buffer_ = resource_ != nullptr ? wl_shm_buffer_get(resource_) : nullptr;
  require(buffer_ != nullptr, "no buffer");
}

// Sent with the next exchange; the server's side lives until that, or as long as the connection.
wayland_buffer::~wayland_buffer() {
  wl_buffer_destroy(proxy_);
  wl_shm_pool_destroy(pool_);
}

// libwayland installs its handler once, at the first access of all.
const struct sigaction& wayland_handler::action() {
  static const struct sigaction theirs = [] {
    const int fd = memfd_create("nosigbus-bench", MFD_CLOEXEC);
    require(fd >= 0 && ftruncate(fd, 65536) == 0, "memfd");
    struct sigaction before, installed;
    sigaction(SIGBUS, nullptr, &before);
    {
      const wayland_buffer first(fd, 65536);
      wl_shm_buffer_begin_access(first.get());
      wl_shm_buffer_end_access(first.get());
    }
    close(fd);
    sigaction(SIGBUS, &before, &installed);
    return installed;
  }();
  return theirs;
}

}  // namespace bench
