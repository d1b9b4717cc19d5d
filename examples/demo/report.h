// SPDX-License-Identifier: MIT
//
// What a server tells the driver, in memory that both map: it is still there when the server is not.
#ifndef NOSIGBUS_DEMO_REPORT_H
#define NOSIGBUS_DEMO_REPORT_H

#include <array>
#include <cstddef>
#include <cstdint>

#include "canvas.h"
#include "roles.h"

namespace demo {

inline constexpr std::uint32_t min_frames = 60;
inline constexpr std::uint32_t max_frames = 4096;

// Written by the server only; read by the driver once the server has ended.
struct client_report {
  // Frames of this client that were read; frames in which its tile was compared with the pattern;
  // and found equal in every byte.
  std::uint32_t drawn, checked, exact;
  // Attach messages that made no sense.
  std::uint32_t refused;
  // Faults absorbed while its buffer was read.
  std::uint64_t faults;
  // Whether the server goes on without waiting for it.
  std::uint32_t late;
  // Whether the server knows this client as hostile, and from what.
  std::uint32_t found_out;
  char cause[28];
};

inline constexpr int tiles_across = 3;
inline constexpr int tiles_down = 3;
static_assert(tiles_across * tiles_down == static_cast<int>(role_count));
inline constexpr int tile_border = 2;
inline constexpr int tile_gap = 10;
inline constexpr int label_height = 22;
inline constexpr int header_height = 40;
inline constexpr int cell_width = tile_width + 2 * tile_border;
inline constexpr int cell_height = tile_height + 2 * tile_border + label_height;
inline constexpr int screen_width = tiles_across * cell_width + (tiles_across + 1) * tile_gap;
inline constexpr int screen_height = header_height + tiles_down * (cell_height + tile_gap);
inline constexpr std::size_t screen_pixels = std::size_t{screen_width} * screen_height;

struct server_report {
  std::uint32_t frames_served;
  // The client whose buffer is being read, role_count at other times: who killed the server.
  std::uint32_t reading;
  std::uint64_t faults_absorbed;
  std::array<std::uint32_t, max_frames> frame_ns;
  std::array<client_report, role_count> clients;
  std::array<std::uint32_t, screen_pixels> screen;
};

inline canvas screen_of(server_report& report) {
  return {report.screen.data(), screen_width, screen_height, screen_width};
}

}  // namespace demo

#endif
