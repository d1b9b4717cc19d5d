// SPDX-License-Identifier: MIT
//
// Who takes part: the clients, in the order of their tiles.
#ifndef NOSIGBUS_DEMO_ROLES_H
#define NOSIGBUS_DEMO_ROLES_H

#include <array>
#include <cstdint>
#include <string_view>

namespace demo {

enum class role : std::uint32_t { plasma, clock, text, truncate, grow, race, liar, giant, mute };

struct role_info {
  const char* name;
  bool honest;
  // What the client does to the server, for people who read the detailed report.
  const char* doing;
};

inline constexpr std::array<role_info, 9> role_table{{
    {"plasma", true, "redraws all of its buffer"},
    {"clock", true, "redraws a disc"},
    {"text", true, "redraws a band of text"},
    {"truncate", false, "commits, then cuts the file off"},
    {"grow", false, "cuts the file off, grows it back, redraws"},
    {"race", false, "a thread cuts and grows during the copy"},
    {"liar", false, "describes more than its sealed file holds"},
    {"giant", false, "hands over a sparse 2 TiB file, cuts it off"},
    {"mute", false, "stops answering"},
}};
inline constexpr std::uint32_t role_count = role_table.size();

constexpr const role_info& info(role r) { return role_table[static_cast<std::uint32_t>(r)]; }

constexpr std::uint32_t honest_count() {
  std::uint32_t count = 0;
  for (const role_info& entry : role_table) count += entry.honest ? 1 : 0;
  return count;
}

// The hostile clients behave until `attack_from`; then they join in one after the other, so that the
// first of them alone kills the unprotected server.
constexpr std::uint32_t attack_frame(role r, std::uint32_t attack_from) {
  const std::uint32_t place = static_cast<std::uint32_t>(r);
  return info(r).honest ? UINT32_MAX : attack_from + 2 * (place - honest_count());
}
// From here on all of them attack.
constexpr std::uint32_t all_attack_frame(std::uint32_t attack_from) {
  return attack_from + 2 * (role_count - honest_count());
}

// The role of that name, or role_count.
constexpr std::uint32_t find_role(std::string_view name) {
  std::uint32_t index = 0;
  while (index < role_count && name != role_table[index].name) ++index;
  return index;
}

}  // namespace demo

#endif
