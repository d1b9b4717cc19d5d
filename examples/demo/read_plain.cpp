// SPDX-License-Identifier: MIT
//
// The read path of most servers today: mmap and an ordinary reader. The first missing page kills it.
#include <sys/mman.h>

#include <cerrno>
#include <csignal>

#include "blit.h"
#include "read_path.h"

namespace demo::read_path {

const char* const name = "plain";

struct buffer {
  void* data;
  std::size_t length;
};

void buffer_deleter::operator()(buffer* attached) const {
  ::munmap(attached->data, attached->length);
  delete attached;
}

int prepare() {
  // Unprotected: the action a process is born with. A sanitizer's runtime may have taken its place.
  ::signal(SIGBUS, SIG_DFL);
  return 0;
}

buffer_ptr attach(int fd, std::size_t length, int& error) {
  void* data = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, 0);
  error = data == MAP_FAILED ? errno : 0;
  return data == MAP_FAILED ? nullptr : buffer_ptr(new buffer{data, length});
}

outcome read(buffer& attached, const source& from, std::uint32_t* target, std::size_t target_stride) {
  const auto* first = static_cast<const std::byte*>(attached.data) + from.offset;
  blit(target, target_stride, first, from.stride, from.width, from.height);
  return {0, nullptr};
}

std::uint64_t faults_absorbed() { return 0; }

}  // namespace demo::read_path
