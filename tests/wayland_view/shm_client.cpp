// SPDX-License-Identifier: MIT
#include "shm_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <wayland-client.h>

#include <algorithm>
#include <cstring>

#include "shm_server.h"
#include "support/child.h"

namespace test {

namespace {

void on_global(void* shm, wl_registry* registry, uint32_t name, const char* interface, uint32_t) {
  if (strcmp(interface, "wl_shm") != 0) return;
  *static_cast<wl_shm**>(shm) = static_cast<wl_shm*>(wl_registry_bind(registry, name, &wl_shm_interface, 1));
}
void on_global_removed(void*, wl_registry*, uint32_t) {}

}  // namespace

wl_registry* ask_for_shm(wl_display* connection, wl_shm*& shm) {
  static constexpr wl_registry_listener listener{on_global, on_global_removed};
  wl_registry* const registry = wl_display_get_registry(connection);
  wl_registry_add_listener(registry, &listener, &shm);
  return registry;
}

shm_client::shm_client(shm_server& server) : server_(server) {
  wl_log_set_handler_client([](const char*, va_list) {});
  int ends[2];
  CHILD_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  peer_.client = wl_client_create(server_.display(), ends[0]);
  connection_ = wl_display_connect_to_fd(ends[1]);
  CHILD_CHECK(peer_.client != nullptr && connection_ != nullptr);
  peer_.gone.notify = [](wl_listener* listener, void*) {
    reinterpret_cast<peer*>(listener)->client = nullptr;
  };
  wl_client_add_destroy_listener(peer_.client, &peer_.gone);
  server_.clients_.push_back(this);

  registry_ = ask_for_shm(connection_, shm_);
  server_.exchange();
  CHILD_CHECK(shm_ != nullptr);
}

shm_client::~shm_client() { vanish(); }

wl_shm_pool* shm_client::create_pool(int fd, size_t size) const {
  wl_shm_pool* const pool = wl_shm_create_pool(shm_, fd, static_cast<int32_t>(size));
  send();  // libwayland-client keeps back a few descriptors only
  return pool;
}

wl_buffer* shm_client::create_buffer(wl_shm_pool* pool, size_t offset, int32_t width, int32_t height,
                                     int32_t stride) {
  return wl_shm_pool_create_buffer(pool, static_cast<int32_t>(offset), width, height, stride,
                                   WL_SHM_FORMAT_XRGB8888);
}

wl_resource* shm_client::resource(wl_buffer* object) const {
  wl_resource* const found =
      wl_client_get_object(peer_.client, wl_proxy_get_id(reinterpret_cast<wl_proxy*>(object)));
  CHILD_CHECK(found != nullptr);
  return found;
}

std::optional<protocol_error> shm_client::error() const {
  if (wl_display_get_error(connection_) == 0) return std::nullopt;
  const wl_interface* interface = nullptr;
  uint32_t id = 0;
  const uint32_t code = wl_display_get_protocol_error(connection_, &interface, &id);
  return protocol_error{interface == nullptr ? "" : interface->name, code};
}

void shm_client::vanish() {
  if (connection_ == nullptr) return;
  wl_shm_destroy(shm_);
  wl_registry_destroy(registry_);
  wl_display_disconnect(connection_);
  connection_ = nullptr;
  std::erase(server_.clients_, this);
  server_.exchange();
}

void shm_client::send() const { wl_display_flush(connection_); }

void shm_client::receive() const {
  while (wl_display_prepare_read(connection_) != 0) {
    if (wl_display_dispatch_pending(connection_) < 0) return;
  }
  pollfd socket{wl_display_get_fd(connection_), POLLIN, 0};
  if (poll(&socket, 1, 0) == 1) {
    wl_display_read_events(connection_);
  } else {
    wl_display_cancel_read(connection_);
  }
  wl_display_dispatch_pending(connection_);
}

}  // namespace test
