// SPDX-License-Identifier: MIT
//
// The two ways by which a fault reaches nosigbus. Fault tests run with both.
#pragma once

#include <nosigbus/runtime.h>

namespace test {

enum class entry {
  installed,    // our handler is the process's
  first_chance  // an embedder's handler is, and asks ours
};
inline constexpr entry entries[] = {entry::installed, entry::first_chance};

// Makes faults reach nosigbus in this process. flags: as for nosigbus_install. What is not absorbed
// kills with the default action.
void enter_by(entry how, unsigned flags = 0);

}  // namespace test
