// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace nosigbus::run {

// To be read at any place. Not by a mapping: somebody might truncate it.
class opened_file {
 public:
  explicit opened_file(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~opened_file() {
    if (fd_ >= 0) close(fd_);
  }
  opened_file(const opened_file&) = delete;
  opened_file& operator=(const opened_file&) = delete;

  bool good() const { return fd_ >= 0; }
  uint64_t size() const {
    struct stat status {};
    return fstat(fd_, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
  }
  size_t read(void* out, size_t size, uint64_t offset) const {
    const ssize_t got = pread(fd_, out, size, static_cast<off_t>(offset));
    return got < 0 ? 0 : static_cast<size_t>(got);
  }
  template <class T>
  bool read(T& out, uint64_t offset) const {
    return read(&out, sizeof out, offset) == sizeof out;
  }

 private:
  int fd_;
};

}  // namespace nosigbus::run
