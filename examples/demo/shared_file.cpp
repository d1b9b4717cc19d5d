// SPDX-License-Identifier: MIT
#include "shared_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "options.h"

namespace demo {
namespace {

void set_size(int fd, std::uint64_t size) {
  if (::ftruncate(fd, static_cast<off_t>(size)) == 0) return;
  std::fprintf(stderr, "%s: cannot set a memfd to %llu bytes: %s\n", program_invocation_short_name,
               static_cast<unsigned long long>(size), error_text(errno).c_str());
  std::_Exit(1);
}

}  // namespace

shared_file::shared_file(std::uint64_t size, std::uint64_t offset)
    : fd_(::memfd_create("nosigbus-demo", MFD_CLOEXEC | MFD_ALLOW_SEALING)), size_(size), offset_(offset) {
  set_size(fd(), size);
}

void shared_file::draw(role r, int frame, const rect& part) const {
  std::uint32_t pixels[tile_width];
  for (int y = part.y; y < part.y + part.height; ++y) {
    for (int x = 0; x < part.width; ++x) pixels[x] = pattern(r, frame, part.x + x, y);
    const std::uint64_t at = offset_ + static_cast<std::uint64_t>(y) * picture_stride +
                             static_cast<std::uint64_t>(part.x) * pixel_bytes;
    const std::size_t bytes = static_cast<std::size_t>(part.width) * pixel_bytes;
    // Behind the end of a sealed file there is nothing to be drawn.
    if (::pwrite(fd(), pixels, bytes, static_cast<off_t>(at)) < 0) return;
  }
}

void shared_file::keep_rows(int rows) const {
  set_size(fd(), offset_ + static_cast<std::uint64_t>(rows) * picture_stride);
}

void shared_file::restore() const { set_size(fd(), size_); }

void shared_file::seal() const { ::fcntl(fd(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL); }

}  // namespace demo
