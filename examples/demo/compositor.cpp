// SPDX-License-Identifier: MIT
#include "compositor.h"

#include <cstring>

namespace demo {
namespace {

constexpr std::uint32_t ground = rgb(38, 42, 48);
constexpr std::uint32_t strip = rgb(22, 25, 29);
constexpr std::uint32_t bright = rgb(236, 239, 241);
constexpr std::uint32_t green = rgb(102, 217, 140);
constexpr std::uint32_t red = rgb(255, 96, 88);

rect cell_of(std::uint32_t role_index) {
  const int column = static_cast<int>(role_index) % tiles_across;
  const int row = static_cast<int>(role_index) / tiles_across;
  return {tile_gap + column * (cell_width + tile_gap), header_height + row * (cell_height + tile_gap),
          cell_width, cell_height};
}

}  // namespace

compositor::compositor(server_report& report) : report_(report), screen_(screen_of(report)) {
  fill(screen_, ground);
  for (std::uint32_t index = 0; index < role_count; ++index) {
    fill(screen_.part(cell_of(index)), strip);
    fill(tile(index), 0);
  }
}

canvas compositor::tile(std::uint32_t role_index) const {
  const rect cell = cell_of(role_index);
  return screen_.part({cell.x + tile_border, cell.y + tile_border, tile_width, tile_height});
}

bool compositor::exact(std::uint32_t role_index, int frame) const {
  const canvas shown = tile(role_index);
  std::uint32_t expected[tile_width];
  for (int y = 0; y < tile_height; ++y) {
    for (int x = 0; x < tile_width; ++x) expected[x] = pattern(static_cast<role>(role_index), frame, x, y);
    if (std::memcmp(shown.row(y), expected, sizeof expected) != 0) return false;
  }
  return true;
}

void compositor::dim(std::uint32_t role_index) const {
  const canvas shown = tile(role_index);
  for (int y = 0; y < tile_height; ++y) {
    for (int x = 0; x < tile_width; ++x) shown.row(y)[x] = shown.row(y)[x] >> 2 & 0x3f3f3f;
  }
}

void compositor::label(const std::string& title) const {
  const canvas header = screen_.part({0, 0, screen_width, header_height});
  fill(header, ground);
  draw_text(header, tile_gap, 12, 2, bright, title);
  for (std::uint32_t index = 0; index < role_count; ++index) label_tile(index);
}

void compositor::label_tile(std::uint32_t role_index) const {
  const client_report& client = report_.clients[role_index];
  const role_info& who = role_table[role_index];
  const rect cell = cell_of(role_index);
  // The frame shows what the server has noticed; the name's colour is the truth.
  const std::uint32_t colour = client.found_out != 0 ? red : green;
  const canvas outer = screen_.part(cell);
  for (int y = 0; y < tile_height + 2 * tile_border; ++y) {
    const bool whole_row = y < tile_border || y >= tile_height + tile_border;
    for (int x = 0; x < cell_width; ++x) {
      if (whole_row || x < tile_border || x >= cell_width - tile_border) outer.row(y)[x] = colour;
    }
  }
  const int top = cell.height - label_height;
  const canvas below = outer.part({0, top, cell.width, label_height});
  fill(below, strip);
  const std::string name = std::string(who.honest ? "honest: " : "hostile: ") + who.name;
  draw_text(below, 4, 4, 2, who.honest ? green : red, name);
  std::string state = client.late != 0 ? "does not answer" : "live";
  if (client.found_out != 0) state = client.cause;
  if (client.faults > 0) state = std::to_string(client.faults) + (client.faults == 1 ? " fault" : " faults");
  draw_text(below, cell.width - 4 - text_width(state, 1), 8, 1, bright, state);
}

}  // namespace demo
