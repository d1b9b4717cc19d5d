// SPDX-License-Identifier: MIT
//
// The program of README.md, whose order of headers clang-format would change.
// clang-format off
#include <nosigbus/nosigbus.hpp>
#include <sys/mman.h>
#include <unistd.h>
#include <cstdio>

int main() {
  nosigbus::install();
  const int fd = memfd_create("buffer", MFD_CLOEXEC);  // think of a client that sent it
  if (ftruncate(fd, 65536) != 0) return 1;
  auto pixels = nosigbus::region::map(fd, 0, 65536, PROT_READ);            // for any reader
  const void* plain = mmap(nullptr, 65536, PROT_READ, MAP_SHARED, fd, 0);  // for guarded copies
  if (!pixels || plain == MAP_FAILED || ftruncate(fd, 4096) != 0) return 1;  // the client cuts it off

  const std::byte last = pixels->bytes().back();  // would have been SIGBUS, and reads as zero
  std::printf("last byte %d, bad from %lu on\n", static_cast<int>(last), pixels->status().first_bad_offset);
  static char copy[65536];
  const std::size_t copied = nosigbus::safe_read(copy, plain, sizeof copy);  // stops where it is bad
  std::printf("copied %zu of %zu bytes, the rest is zeroed\n", copied, sizeof copy);
  return ftruncate(fd, 65536) == 0 && pixels->refresh() == 1 ? 0 : 1;  // grown again: its pages are back
}
