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

void wayland_buffer::exchange() const {
  require(wl_display_flush(connection_) >= 0, "flush");
  wl_event_loop_dispatch(wl_display_get_event_loop(server_), 0);
  wl_display_flush_clients(server_);
  require(wl_display_prepare_read(connection_) == 0, "prepare_read");
  pollfd socket{wl_display_get_fd(connection_), POLLIN, 0};
  if (poll(&socket, 1, 0) == 1) {
    require(wl_display_read_events(connection_) == 0, "read_events");
  } else {
    wl_display_cancel_read(connection_);
  }
  require(wl_display_dispatch_pending(connection_) >= 0, "dispatch");
}

wayland_buffer::wayland_buffer(int fd, size_t size) {
  int ends[2];
  require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  server_ = wl_display_create();
  require(server_ != nullptr && wl_display_init_shm(server_) == 0, "server");
  client_ = wl_client_create(server_, ends[0]);
  connection_ = wl_display_connect_to_fd(ends[1]);
  require(client_ != nullptr && connection_ != nullptr, "client");

  wl_shm* shm = nullptr;
  wl_registry* const registry = wl_display_get_registry(connection_);
  constexpr wl_registry_listener listener{on_global, on_global_removed};
  wl_registry_add_listener(registry, &listener, &shm);
  exchange();
  require(shm != nullptr, "no wl_shm");
  wl_shm_pool* const pool = wl_shm_create_pool(shm, fd, static_cast<int32_t>(size));
  constexpr int32_t stride = 1 << 16;
  wl_buffer* const buffer = wl_shm_pool_create_buffer(
      pool, 0, stride / 4, static_cast<int32_t>(size / stride), stride, WL_SHM_FORMAT_XRGB8888);
  exchange();
  const uint32_t id = wl_proxy_get_id(reinterpret_cast<wl_proxy*>(buffer));
  resource_ = wl_client_get_object(client_, id);
  buffer_ = resource_ != nullptr ? wl_shm_buffer_get(resource_) : nullptr;
  require(buffer_ != nullptr, "no buffer");
  wl_buffer_destroy(buffer);
  wl_shm_pool_destroy(pool);
  wl_shm_destroy(shm);
  wl_registry_destroy(registry);
}

// What the client gave up above was never sent: the server's side lives until here.
wayland_buffer::~wayland_buffer() {
  wl_display_destroy_clients(server_);
  wl_display_disconnect(connection_);
  wl_display_destroy(server_);
}

// libwayland installs its handler once, at the first access of all.
wayland_handler::wayland_handler() {
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
  sigaction(SIGBUS, &theirs, &before_);
}

}  // namespace bench
