// SPDX-License-Identifier: MIT
//
// What a client can do to a server that reads its memory.
#pragma once

#include <span>
#include <string_view>

#include "buffer.h"
#include "client.h"

namespace weston_test {

enum class nature {
  hostile,
  // What others show is not to be looked at meanwhile: more than a window of attack_width times attack_height
  // is covered, or the server has no memory for a screenshot.
  takes_screen,
  // No attack at all: has to stay connected.
  harmless,
};

struct attack {
  const char* name;
  // Returns what there is to say about it beyond that the connection outlived it, or "". Throws what client
  // throws.
  const char* (*run)(client&);
  nature kind = nature::hostile;
};

constexpr int attack_width = 160, attack_height = 120;
// Ends within a page.
constexpr int32_t attack_size = attack_width * attack_height * bytes_per_pixel;

// A picture of the attacker's that came back, or did not.
constexpr const char* pixels_back = "pixels are back";
constexpr const char* pixels_lost = "pixels are lost";

// The groups, each in a file of its own.
std::span<const attack> truncations();
std::span<const attack> memory_kinds();
std::span<const attack> surface_roles();
std::span<const attack> mapping_tricks();

// Calls fn(attack) for each there is.
template <class F>
void for_each_attack(F fn) {
  for (const auto group : {truncations(), memory_kinds(), surface_roles(), mapping_tricks()}) {
    for (const attack& each : group) fn(each);
  }
}

}  // namespace weston_test
