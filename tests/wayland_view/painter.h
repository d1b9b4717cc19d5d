// SPDX-License-Identifier: MIT
//
// A client whose buffers are all in one file, and the server's views of them. For code in children.
#pragma once

#include "canvas.h"
#include "shm_server.h"

namespace test {

struct painter {
  painter(shm_server& server, size_t count)
      : client(server),
        size(lead + count * buffer_size),
        fd(drawn_file(size)),
        pool(client.create_pool(fd, size)) {
    for (size_t i = 0; i < count; ++i) {
      const size_t offset = lead + i * buffer_size;
      canvases.push_back({pool, fd, offset, shm_client::create_buffer(pool, offset, width, height, stride)});
    }
    server.exchange();
    for (canvas& one : canvases) one.view = view_of(client, one.buffer);
  }

  void cut_off(size_t to) const { CHILD_CHECK(ftruncate(fd, static_cast<off_t>(to)) == 0); }
  void redraw() const { write_pattern(fd, 0, size); }
  void resize() const { wl_shm_pool_resize(pool, static_cast<int32_t>(size)); }
  bool all_show(const remains& left) const {
    for (const canvas& one : canvases) {
      if (!shows(one, left)) return false;
    }
    return true;
  }
  void release_views() const {
    for (const canvas& one : canvases) nosigbus_wl_view_unref(one.view);
  }

  shm_client client;
  size_t size;
  int fd;
  wl_shm_pool* pool;
  std::vector<canvas> canvases;
};

}  // namespace test
