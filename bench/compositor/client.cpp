// SPDX-License-Identifier: MIT
//
// client WIDTHxHEIGHT: a window that is drawn anew for each line of input, in two buffers by turns: "draw"
// draws all of it, "show" shows it. Answers when it is done, "show" when the server has painted it. "cut"
// takes the lower half away from the file of what is shown next, for pictures of a hostile client.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "weston/surface.h"

namespace {

using namespace weston_test;

class canvas {
 public:
  canvas(const client& connection, int width, int height)
      : size_(width * height * bytes_per_pixel),
        memory_(file::anonymous(size_)),
        content_(pool(connection, memory_, size_).make_buffer(width, height)),
        pixels_(static_cast<uint32_t*>(mmap(nullptr, static_cast<size_t>(size_), PROT_READ | PROT_WRITE,
                                            MAP_SHARED, memory_.descriptor(), 0))) {
    if (pixels_ == MAP_FAILED) throw std::runtime_error("mmap");
  }
  canvas(const canvas&) = delete;
  canvas& operator=(const canvas&) = delete;
  ~canvas() { munmap(pixels_, static_cast<size_t>(size_)); }

  wl_buffer* content() const { return content_.get(); }
  void cut() const { memory_.truncate(size_ / 2); }
  void draw(uint32_t colour) const { std::fill_n(pixels_, size_ / bytes_per_pixel, colour); }

 private:
  int32_t size_;
  file memory_;
  buffer content_;
  uint32_t* pixels_;
};

void serve(int width, int height) {
  client connection;
  const canvas first(connection, width, height), second(connection, width, height);
  window shown(connection);
  const canvas *next = &first, *other = &second;
  uint32_t colour = 0x205080;
  for (char line[16]; fgets(line, sizeof line, stdin) != nullptr;) {
    if (strcmp(line, "draw\n") == 0) {
      next->draw(colour += 0x010203);
    } else if (strcmp(line, "cut\n") == 0) {
      next->cut();
    } else {
      shown.show(next->content());
      std::swap(next, other);
    }
    puts("done");
  }
}

}  // namespace

int main(int argc, char** argv) {
  setlinebuf(stdout);
  int width, height;
  if (argc != 2 || sscanf(argv[1], "%dx%d", &width, &height) != 2) return 2;
  try {
    serve(width, height);
    return 0;
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
