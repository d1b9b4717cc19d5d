// SPDX-License-Identifier: MIT
#include "hostile_picture.h"

#include <png.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  perror(what);
  exit(1);
}

png_image description() {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGBA;
  return image;
}

// Noise: it does not compress, so the file has many pages.
std::vector<std::uint8_t> encode() {
  png_image image = description();
  const std::vector<std::uint8_t> from = pixels();
  png_alloc_size_t size = 0;
  require(png_image_write_to_memory(&image, nullptr, &size, 0, from.data(), 0, nullptr) != 0, "libpng");
  std::vector<std::uint8_t> to(size);
  require(png_image_write_to_memory(&image, to.data(), &size, 0, from.data(), 0, nullptr) != 0, "libpng");
  to.resize(size);
  return to;
}

[[noreturn]] void own_picture(int fd, int commands, int answers) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::vector<std::uint8_t> file = encode();
  require(write(fd, file.data(), file.size()) == static_cast<ssize_t>(file.size()), "write");
  const std::size_t size = file.size();
  require(write(answers, &size, sizeof size) == sizeof size, "write");
  char command;
  while (read(commands, &command, 1) == 1) {
    // At the end of a page. Within one, what is cut off reads as zeros, and no fault tells: see
    // NOSIGBUS_CLIP.
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    require(ftruncate(fd, static_cast<off_t>(size / 3 / page * page)) == 0, "ftruncate");
    require(write(answers, &size, sizeof size) == sizeof size, "write");
  }
  _exit(0);
}

}  // namespace

std::vector<std::uint8_t> pixels() {
  std::mt19937 random(2);
  std::vector<std::uint8_t> out(std::size_t{4} * width * height);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = i % 4 == 3 ? 255 : static_cast<std::uint8_t>(random());
  }
  return out;
}

hostile_picture::hostile_picture() : fd_(memfd_create("picture", MFD_CLOEXEC)) {
  int to[2], from[2];
  require(fd_ >= 0 && pipe(to) == 0 && pipe(from) == 0, "memfd_create, pipe");
  process_ = fork();
  require(process_ >= 0, "fork");
  if (process_ == 0) {
    close(to[1]);
    close(from[0]);
    own_picture(fd_, to[0], from[1]);
  }
  close(to[0]);
  close(from[1]);
  commands_ = to[1];
  answers_ = from[0];
  require(read(answers_, &size_, sizeof size_) == sizeof size_, "the other side");
}

hostile_picture::~hostile_picture() {
  close(commands_);
  close(answers_);
  close(fd_);
  waitpid(process_, nullptr, 0);
}

void hostile_picture::strike() {
  std::size_t answer;
  require(write(commands_, "!", 1) == 1 && read(answers_, &answer, sizeof answer) == sizeof answer,
          "the other side");
}
