// SPDX-License-Identifier: MIT
//
// An ordinary mapping, read with copies that stop at the first bad byte and say so.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <nosigbus/nosigbus.hpp>

#include "cause_name.h"
#include "read_path.h"

namespace demo::read_path {

const char* const name = "safe_read";

struct buffer {
  void* data;
  std::size_t length;
};

void buffer_deleter::operator()(buffer* attached) const {
  ::munmap(attached->data, attached->length);
  delete attached;
}

int prepare() { return nosigbus::install(); }

buffer_ptr attach(int fd, std::size_t length, int& error) {
  void* data = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, 0);
  error = data == MAP_FAILED ? errno : 0;
  return data == MAP_FAILED ? nullptr : buffer_ptr(new buffer{data, length});
}

outcome read(buffer& attached, const source& from, std::uint32_t* target, std::size_t target_stride) {
  const auto* first = static_cast<const std::byte*>(attached.data) + from.offset;
  const std::size_t row_bytes = from.width * sizeof *target;
  for (std::size_t row = 0; row < from.height; ++row) {
    const std::size_t copied =
        nosigbus::safe_read(target + row * target_stride, first + row * from.stride, row_bytes);
    if (copied == row_bytes) continue;
    const nosigbus_cause cause = nosigbus::last_fault().cause;
    // The rest of this row is zeros already. What comes behind it in the file is missing as well, so
    // a fault for each row would teach nothing.
    for (++row; row < from.height; ++row) std::fill_n(target + row * target_stride, from.width, 0U);
    return {1, cause_name(cause)};
  }
  return {0, nullptr};
}

std::uint64_t faults_absorbed() { return nosigbus::stats().absorbed; }

}  // namespace demo::read_path
