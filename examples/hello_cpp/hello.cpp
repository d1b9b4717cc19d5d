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

  // A region: any code may read it. What is missing reads as zeros.
  auto pixels = nosigbus::region::map(fd, 0, 65536, PROT_READ);
  // A plain mapping, for guarded copies: they stop where it is bad, and say so.
  const void* plain = mmap(nullptr, 65536, PROT_READ, MAP_SHARED, fd, 0);
  if (!pixels || plain == MAP_FAILED) return 1;

  if (ftruncate(fd, 4096) != 0) return 1;  // the client cuts it off

  const std::byte last = pixels->bytes().back();  // would have been SIGBUS
  std::printf("last byte %d, bad from %lu on\n", static_cast<int>(last), pixels->status().first_bad_offset);

  char copy[65536];
  const std::size_t copied = nosigbus::safe_read(copy, plain, sizeof copy);
  std::printf("copied %zu of %zu bytes, the rest is zeroed\n", copied, sizeof copy);

  if (ftruncate(fd, 65536) != 0) return 1;  // the file has grown again
  return pixels->refresh() == 1 ? 0 : 1;    // and its pages are back
}
