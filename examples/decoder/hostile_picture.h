// SPDX-License-Identifier: MIT
//
// The other side: a process that owns a picture in shared memory, and cuts it off when it likes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

constexpr unsigned width = 640, height = 480;

class hostile_picture {
 public:
  // Starts the process, which writes the picture.
  hostile_picture();
  ~hostile_picture();
  hostile_picture(const hostile_picture&) = delete;
  hostile_picture& operator=(const hostile_picture&) = delete;

  int fd() const { return fd_; }
  std::size_t size() const { return size_; }
  // Has the process cut it off, and waits until it has.
  void strike();

 private:
  int fd_;
  int commands_, answers_;
  pid_t process_;
  std::size_t size_;
};

// What is in the picture, four bytes a pixel.
std::vector<std::uint8_t> pixels();
