// SPDX-License-Identifier: MIT
//
// A client of shm_server, on libwayland-client, in the same process. For code in children.
#pragma once

#include <wayland-client-protocol.h>
#include <wayland-server-core.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

namespace test {

class shm_server;

// Why a client was disconnected.
struct protocol_error {
  std::string interface;
  uint32_t code;
  bool operator==(const protocol_error&) const = default;
};

// A client's end of a connection asks for the server's wl_shm, which is put into `shm` when the server has
// answered.
wl_registry* ask_for_shm(wl_display* connection, wl_shm*& shm);

class shm_client {
 public:
  explicit shm_client(shm_server& server);
  ~shm_client();
  shm_client(const shm_client&) = delete;
  shm_client& operator=(const shm_client&) = delete;

  wl_shm* shm() const { return shm_; }
  wl_shm_pool* create_pool(int fd, size_t size) const;
  static wl_buffer* create_buffer(wl_shm_pool* pool, size_t offset, int32_t width, int32_t height,
                                  int32_t stride);
  // What the server knows the object as, once it has been told of it.
  wl_resource* resource(wl_buffer* object) const;
  // Null when the server has destroyed it.
  wl_client* at_server() const { return peer_.client; }
  std::optional<protocol_error> error() const;

  // Closes its connection, as the kernel does for a client that was killed.
  void vanish();
  void send() const;
  void receive() const;

 private:
  struct peer {
    wl_listener gone;
    wl_client* client;
  };

  shm_server& server_;
  peer peer_{};
  // Its type has the same name as the server's.
  wl_display* connection_ = nullptr;
  wl_registry* registry_ = nullptr;
  wl_shm* shm_ = nullptr;
};

}  // namespace test
