// SPDX-License-Identifier: MIT
//
// A client that does nothing wrong. Fills the screen with a pattern, and for each line of its input looks at
// the screen: WIDTHxHEIGHT is what another window may cover of the pattern, wherever it is. Answers "intact",
// or what is wrong. Ends when its input does. Waits for the server to start.
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "pointer.h"
#include "screen.h"

namespace {

using namespace weston_test;

struct covered {
  int left = INT_MAX, top = INT_MAX, right = INT_MIN, bottom = INT_MIN, pixels = 0;

  void add(int x, int y) {
    left = std::min(left, x), top = std::min(top, y);
    right = std::max(right, x + 1), bottom = std::max(bottom, y + 1);
    ++pixels;
  }
  bool fits(int width, int height) const {
    return pixels == 0 || (right - left <= width && bottom - top <= height);
  }
};

covered differences(const screen& view) {
  covered result;
  for (int y = 0; y < view.height(); ++y) {
    for (int x = 0; x < view.width(); ++x) {
      if (view.pixel(x, y) != pattern(x, y)) result.add(x, y);
    }
  }
  return result;
}

// A window that was closed may be there for a moment still.
covered settled_differences(screen& view, int width, int height) {
  covered result;
  for (int i = 0; i < 20; ++i) {
    if (i > 0) usleep(20000);
    view.capture();
    result = differences(view);
    if (result.fits(width, height)) break;
  }
  return result;
}

buffer patterned_buffer(const client& connection, const file& memory) {
  const int width = connection.output_width(), height = connection.output_height();
  const int32_t size = width * height * bytes_per_pixel;
  memory.truncate(size);
  std::vector<uint32_t> pixels;
  pixels.reserve(static_cast<size_t>(width * height));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) pixels.push_back(pattern(x, y));
  }
  if (pwrite(memory.descriptor(), pixels.data(), static_cast<size_t>(size), 0) != size) {
    throw std::runtime_error("the pattern could not be written");
  }
  return pool(connection, memory, size).make_buffer(width, height);
}

// Answers the server while there is no line.
bool read_line(client& connection, char* line, int size) {
  for (pollfd input{0, POLLIN, 0}; poll(&input, 1, 0) == 0;) {
    connection.wait([&] { return poll(&input, 1, 0) != 0; }, 20);
  }
  return fgets(line, size, stdin) != nullptr;
}

void serve() {
  client connection;
  const file memory = file::anonymous(0);
  const buffer content = patterned_buffer(connection, memory);
  window shown(connection, window::size::output);
  shown.show(content.get());
  std::optional<pointer> cursor;
  if (connection.seat() != nullptr) cursor.emplace(connection).set_cursor(nullptr);
  screen view(connection);
  puts("ready");
  for (char line[64]; read_line(connection, line, sizeof line);) {
    int width = 0, height = 0;
    if (sscanf(line, "%dx%d", &width, &height) != 2) throw std::runtime_error("not a size");
    // What it shows is asked for anew, not only kept.
    shown.show(content.get());
    const covered bad = settled_differences(view, width, height);
    if (bad.fits(width, height)) {
      puts("intact");
    } else {
      printf("%d pixels are wrong, %dx%d at %d,%d\n", bad.pixels, bad.right - bad.left, bad.bottom - bad.top,
             bad.left, bad.top);
    }
  }
}

}  // namespace

int main() {
  for (int i = 0; i < 2000 && !owned<wl_display>(wl_display_connect(nullptr)); ++i) usleep(10000);
  setlinebuf(stdout);
  setvbuf(stdin, nullptr, _IONBF, 0);
  try {
    serve();
  } catch (const std::exception& error) {
    printf("gone: %s\n", error.what());
    return 1;
  }
}
