// SPDX-License-Identifier: MIT
//
// A client's buffer: a memfd that it draws into.
#ifndef NOSIGBUS_DEMO_SHARED_FILE_H
#define NOSIGBUS_DEMO_SHARED_FILE_H

#include <cstdint>

#include "pattern.h"
#include "wire.h"

namespace demo {

inline constexpr std::uint32_t picture_stride = tile_width * pixel_bytes;
inline constexpr std::uint64_t picture_bytes = std::uint64_t{picture_stride} * tile_height;

class shared_file {
 public:
  // A file of `size` bytes whose picture begins at `offset`.
  shared_file(std::uint64_t size, std::uint64_t offset);

  int fd() const { return fd_.get(); }
  std::uint64_t size() const { return size_; }
  std::uint64_t offset() const { return offset_; }

  // Draws a part of the picture of that role and frame. By writing to the file and not through a
  // mapping: a client that cuts off its own file would be the first to die of it.
  void draw(role r, int frame, const rect& part) const;
  // Cuts the file off behind so many 240ths of the picture.
  void keep_rows(int rows) const;
  void restore() const;
  // Neither shrinks nor grows from now on.
  void seal() const;

 private:
  unique_fd fd_;
  std::uint64_t size_;
  std::uint64_t offset_;
};

}  // namespace demo

#endif
