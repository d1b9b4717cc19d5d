// SPDX-License-Identifier: MIT
//
// What each client draws: a pure function of role, frame and position, in integers only. Clients draw
// with it and the server checks with it, so that "intact" means byte for byte.
//
// No pattern contains a zero pixel: black in a tile is memory that was not there.
#ifndef NOSIGBUS_DEMO_PATTERN_H
#define NOSIGBUS_DEMO_PATTERN_H

#include <array>
#include <cstdint>
#include <string_view>

#include "font.h"
#include "roles.h"

namespace demo {

inline constexpr int tile_width = 320;
inline constexpr int tile_height = 240;
// Pixels are 32 bits, blue in the lowest byte, the highest byte unused.
inline constexpr int pixel_bytes = 4;

struct rect {
  int x, y, width, height;
};

inline constexpr rect whole_tile{0, 0, tile_width, tile_height};

constexpr std::uint32_t rgb(int red, int green, int blue) {
  return static_cast<std::uint32_t>(red) << 16 | static_cast<std::uint32_t>(green) << 8 |
         static_cast<std::uint32_t>(blue);
}

// 256 steps of a turn to -127..127, by Bhaskara's approximation: the same on every machine.
constexpr std::array<std::int16_t, 256> make_sine_table() {
  std::array<std::int16_t, 256> table{};
  for (int step = 0; step < 256; ++step) {
    const int half = step & 127;
    const int product = half * (128 - half);
    const int value = 16 * product * 127 / (5 * 128 * 128 - 4 * product);
    table[static_cast<std::size_t>(step)] = static_cast<std::int16_t>(step < 128 ? value : -value);
  }
  return table;
}
inline constexpr auto sine_table = make_sine_table();
constexpr int sine(int step) { return sine_table[static_cast<std::size_t>(step & 255)]; }
constexpr int cosine(int step) { return sine(step + 64); }

// Honest: waves in cool colours.
constexpr std::uint32_t plasma_pixel(int frame, int x, int y) {
  const int wave = sine(x + 2 * frame) + sine(y * 2 - frame) + sine(x / 2 + y + 3 * frame);
  const int level = wave / 3;
  return rgb(70 + sine(level + frame) / 2, 110 + level * 3 / 4, 180 + cosine(level) / 2);
}

inline constexpr int clock_radius = 100;
inline constexpr rect clock_box{tile_width / 2 - clock_radius - 4, tile_height / 2 - clock_radius - 4,
                                2 * clock_radius + 8, 2 * clock_radius + 8};

// Whether (dx, dy) lies on a hand that points to `angle`.
constexpr bool on_hand(int dx, int dy, int angle, int length, int thickness) {
  const int along = dx * sine(angle) - dy * cosine(angle);
  const int aside = dx * cosine(angle) + dy * sine(angle);
  return along > 0 && along < length * 127 && aside < thickness * 127 && aside > -thickness * 127;
}

// Honest: a clock face. Only the disc changes; the background is the same in every frame.
constexpr std::uint32_t clock_pixel(int frame, int x, int y) {
  const int dx = x - tile_width / 2;
  const int dy = y - tile_height / 2;
  const int distance = dx * dx + dy * dy;
  if (distance > clock_radius * clock_radius) return rgb(30 + y / 8, 60 + y / 6, 70 + x / 8);
  if (distance > 94 * 94) return rgb(235, 240, 235);
  if (distance < 7 * 7) return rgb(255, 140, 60);
  if (on_hand(dx, dy, frame * 2, 86, 2)) return rgb(255, 140, 60);
  if (on_hand(dx, dy, frame / 6, 60, 4)) return rgb(235, 240, 235);
  for (int hour = 0; hour < 12; ++hour) {
    const int tick_x = dx - 84 * sine(hour * 256 / 12) / 127;
    const int tick_y = dy + 84 * cosine(hour * 256 / 12) / 127;
    if (tick_x * tick_x + tick_y * tick_y < 16) return rgb(160, 210, 190);
  }
  return rgb(24, 60 + (dy + 100) / 5, 74);
}

inline constexpr std::string_view banner = "BYTE FOR BYTE - NO PIXEL LOST - ";
inline constexpr int banner_scale = 5;
inline constexpr rect banner_box{0, 92, tile_width, 56};

// Honest: text that runs over a checkerboard. Only the band changes.
constexpr std::uint32_t text_pixel(int frame, int x, int y) {
  const bool light = ((x / 20) + (y / 20)) % 2 == 0;
  const std::uint32_t ground = light ? rgb(196, 214, 200) : rgb(120, 158, 146);
  if (y < banner_box.y || y >= banner_box.y + banner_box.height) return ground;
  const int column = (x + 3 * frame) / banner_scale % (static_cast<int>(banner.size()) * glyph_advance);
  const int row = (y - banner_box.y - 10) / banner_scale;
  const char character = banner[static_cast<std::size_t>(column / glyph_advance)];
  const bool ink = y >= banner_box.y + 10 && glyph_pixel(character, column % glyph_advance, row);
  return ink ? rgb(255, 244, 200) : rgb(24, 70, 64);
}

// Hostile: each its own figure, all in warm colours.
constexpr int hostile_level(role r, int frame, int x, int y) {
  const int dx = x - tile_width / 2;
  const int dy = y - tile_height / 2;
  switch (r) {
    case role::truncate:
      return sine((dx * dx + dy * dy) / 96 - 4 * frame);
    case role::grow:
      return sine(3 * (x + y) + 6 * frame);
    case role::race:
      return (sine(5 * x + 5 * frame) + sine(5 * y - 3 * frame)) / 2;
    case role::liar:
      return sine(dx * dy / 64 + 4 * frame);
    case role::giant:
      return (sine(2 * x + 2 * frame) * sine(3 * y)) / 127;
    default:
      return sine(6 * y - 5 * frame);
  }
}

constexpr std::uint32_t hostile_pixel(role r, int frame, int x, int y) {
  const int level = hostile_level(r, frame, x, y);
  return rgb(204 + level * 3 / 8, 110 + level / 2, 62 + y / 6);
}

constexpr std::uint32_t pattern(role r, int frame, int x, int y) {
  switch (r) {
    case role::plasma:
      return plasma_pixel(frame, x, y);
    case role::clock:
      return clock_pixel(frame, x, y);
    case role::text:
      return text_pixel(frame, x, y);
    default:
      return hostile_pixel(r, frame, x, y);
  }
}

// The part of the tile that differs from the frame before.
constexpr rect changed_part(role r, int frame) {
  if (frame == 0) return whole_tile;
  if (r == role::clock) return clock_box;
  if (r == role::text) return banner_box;
  return whole_tile;
}

}  // namespace demo

#endif
