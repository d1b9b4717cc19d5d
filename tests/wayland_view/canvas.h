// SPDX-License-Identifier: MIT
//
// Buffers in a file or in one file each, their views, and what is to be seen in those. For code in children.
#pragma once

#include <fcntl.h>
#include <nosigbus/runtime.h>
#include <nosigbus/wayland.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "shm_client.h"
#include "support/small_filesystem.h"

namespace test {

inline constexpr int32_t width = 65, height = 47, stride = width * 4;
inline constexpr size_t buffer_size = size_t{stride} * height;
inline constexpr size_t lead = 20;  // nothing begins at a page

// A file that is drawn from one end to the other.
inline int drawn_file(size_t size, const small_filesystem* in = nullptr) {
  const int fd = in != nullptr ? in->create() : memfd_create("buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  CHILD_CHECK(fd >= 0);
  write_pattern(fd, 0, size);
  return fd;
}

inline uint64_t live_regions() {
  struct nosigbus_stats stats;
  CHILD_CHECK(nosigbus_stats(&stats, sizeof stats) == 0);
  return stats.regions;
}

// What of a file is still there.
struct remains {
  size_t end = SIZE_MAX;
  size_t hole_begin = 0, hole_end = 0;

  unsigned char byte(size_t offset) const {
    const bool there = offset < end && (offset < hole_begin || offset >= hole_end);
    return there ? pattern(offset) : 0;
  }
  // Whether [begin, end) has a page that is missing.
  bool damages(size_t from, size_t to) const {
    const size_t page = page_size(), first_missing = end == SIZE_MAX ? end : (end + page - 1) / page * page;
    return to > first_missing || (from < hole_end && to > hole_begin);
  }
};

struct canvas {
  wl_shm_pool* pool;
  int fd;
  size_t offset;
  wl_buffer* buffer;
  nosigbus_wl_view* view = nullptr;
};

inline nosigbus_wl_view* view_of(const shm_client& client, wl_buffer* buffer, unsigned flags = 0) {
  nosigbus_wl_view* view = nullptr;
  CHILD_CHECK(nosigbus_wl_view_get(&view, client.resource(buffer), flags) == 0);
  return view;
}

inline bool shows(nosigbus_wl_view* view, size_t offset, const remains& left) {
  const volatile unsigned char* const data = static_cast<unsigned char*>(nosigbus_wl_view_data(view));
  for (size_t i = 0; i < nosigbus_wl_view_size(view); ++i) {
    if (data[i] != left.byte(offset + i)) return false;
  }
  return true;
}
inline bool shows(const canvas& one, const remains& left) { return shows(one.view, one.offset, left); }

}  // namespace test
