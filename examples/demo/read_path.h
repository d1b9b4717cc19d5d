// SPDX-License-Identifier: MIT
//
// How a server reads memory that its clients own. Three translation units implement this: read_plain,
// read_safe_read and read_region. All else is the same in the three servers.
#ifndef NOSIGBUS_DEMO_READ_PATH_H
#define NOSIGBUS_DEMO_READ_PATH_H

#include <cstddef>
#include <cstdint>
#include <memory>

namespace demo::read_path {

extern const char* const name;

// Called once, before any buffer is attached. 0 or -errno.
int prepare();

// A client's file, mapped.
struct buffer;
struct buffer_deleter {
  void operator()(buffer* attached) const;
};
using buffer_ptr = std::unique_ptr<buffer, buffer_deleter>;

// Maps `length` bytes of the file from its start; nullptr and `error` (an errno) on failure. The
// length is the client's word and is not compared with the file: it would be true only until the
// client's next ftruncate.
buffer_ptr attach(int fd, std::size_t length, int& error);

// A part of a picture; it lies within the length that was attached. Stride in bytes.
struct source {
  std::size_t offset, stride, width, height;
};

// What a read met: faults absorbed by it, and their cause; nullptr when there was nothing to notice.
struct outcome {
  std::uint64_t faults;
  const char* cause;
};

// Reads into `target` (stride in pixels). Memory that is not there arrives as zeros.
outcome read(buffer& attached, const source& from, std::uint32_t* target, std::size_t target_stride);

// Faults absorbed in this process.
std::uint64_t faults_absorbed();

}  // namespace demo::read_path

#endif
