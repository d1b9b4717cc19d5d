// SPDX-License-Identifier: MIT
//
// Files, the pools that a server maps them for, and buffers in those.
#pragma once

#include <cstdint>

#include "client.h"

namespace weston_test {

constexpr int bytes_per_pixel = 4;

// Its descriptor, and what can be done to the file behind the server's back.
class file {
 public:
  // flags: of memfd_create.
  static file anonymous(int64_t size, unsigned flags = 0);
  explicit file(int descriptor) : descriptor_(descriptor) {}
  file(file&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  file& operator=(file&&) = delete;
  ~file();

  int descriptor() const { return descriptor_; }
  void truncate(int64_t size) const;
  void seal(int seals) const;
  // Every pixel up to `size`, which the file has.
  void fill(int64_t size, uint32_t colour) const;

 private:
  int descriptor_;
};

using buffer = owned<wl_buffer>;

class pool {
 public:
  pool(const client& connection, const file& memory, int32_t size)
      : pool_(wl_shm_create_pool(connection.shm(), memory.descriptor(), size)) {}

  buffer make_buffer(int width, int height, int32_t offset = 0) const {
    return buffer(wl_shm_pool_create_buffer(pool_.get(), offset, width, height, width * bytes_per_pixel,
                                            WL_SHM_FORMAT_XRGB8888));
  }
  void resize(int32_t size) const { wl_shm_pool_resize(pool_.get(), size); }

 private:
  owned<wl_shm_pool> pool_;
};

}  // namespace weston_test
