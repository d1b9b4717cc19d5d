// SPDX-License-Identifier: MIT
//
// A client that does nothing wrong. Fills the screen with a pattern, and for each line of its input looks at
// the screen: the line is a number, of windows of an attacker's size that may cover some of the pattern, side
// by side. Answers "intact", or what is wrong. Ends when its input does. Waits for the server to start.
// --window: is such a window itself, and looks whether the screen has it, wherever it is.
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "attacks.h"
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
  // `windows` of them, beside each other.
  bool fits(int windows) const {
    return pixels == 0 || (pixels <= windows * attack_width * attack_height &&
                           bottom - top <= attack_height && (windows > 1 || right - left <= attack_width));
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
covered settled_differences(screen& view, int windows) {
  covered result;
  for (int i = 0; i < 20; ++i) {
    if (i > 0) usleep(20000);
    view.capture();
    result = differences(view);
    if (result.fits(windows)) break;
  }
  return result;
}

// The pattern of a window: nobody else's either.
constexpr uint32_t window_pattern(int x, int y) { return pattern(x, y) & ~0x010000u; }

buffer patterned_buffer(const client& connection, const file& memory, int width, int height,
                        uint32_t (*pixel)(int, int)) {
  const int32_t size = width * height * bytes_per_pixel;
  memory.truncate(size);
  std::vector<uint32_t> pixels;
  pixels.reserve(static_cast<size_t>(width * height));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) pixels.push_back(pixel(x, y));
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

bool has_window(const screen& view, int left, int top) {
  for (int y = 0; y < attack_height; ++y) {
    for (int x = 0; x < attack_width; ++x) {
      if (view.pixel(left + x, top + y) != window_pattern(x, y)) return false;
    }
  }
  return true;
}

bool has_window(const screen& view) {
  for (int y = 0; y + attack_height <= view.height(); ++y) {
    for (int x = 0; x + attack_width <= view.width(); ++x) {
      if (view.pixel(x, y) == window_pattern(0, 0) && has_window(view, x, y)) return true;
    }
  }
  return false;
}

void serve_window() {
  client connection;
  const file memory = file::anonymous(0);
  const buffer content = patterned_buffer(connection, memory, attack_width, attack_height, window_pattern);
  window shown(connection);
  shown.show(content.get());
  screen view(connection);
  puts("ready");
  for (char line[64]; read_line(connection, line, sizeof line);) {
    shown.show(content.get());
    view.capture();
    puts(has_window(view) ? "intact" : "its pixels are not on the screen");
  }
}

void serve() {
  client connection;
  const file memory = file::anonymous(0);
  const buffer content =
      patterned_buffer(connection, memory, connection.output_width(), connection.output_height(), pattern);
  window shown(connection, window::size::output);
  shown.show(content.get());
  std::optional<pointer> cursor;
  if (connection.seat() != nullptr) cursor.emplace(connection).set_cursor(nullptr);
  screen view(connection);
  puts("ready");
  for (char line[64]; read_line(connection, line, sizeof line);) {
    const int windows = atoi(line);
    // What it shows is asked for anew, not only kept.
    shown.show(content.get());
    const covered bad = settled_differences(view, windows);
    if (bad.fits(windows)) {
      puts("intact");
    } else {
      printf("%d pixels are wrong, %dx%d at %d,%d\n", bad.pixels, bad.right - bad.left, bad.bottom - bad.top,
             bad.left, bad.top);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 0; i < 2000 && !owned<wl_display>(wl_display_connect(nullptr)); ++i) usleep(10000);
  setlinebuf(stdout);
  setvbuf(stdin, nullptr, _IONBF, 0);
  try {
    argc == 2 && strcmp(argv[1], "--window") == 0 ? serve_window() : serve();
  } catch (const std::exception& error) {
    printf("gone: %s\n", error.what());
    return 1;
  }
}
