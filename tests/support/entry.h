// SPDX-License-Identifier: MIT
//
// The ways by which a fault reaches nosigbus. Fault tests run with the first two, and matrices of stacks with
// all.
#pragma once

#include <nosigbus/runtime.h>

namespace test {

enum class entry {
  installed,     // our handler is the process's
  first_chance,  // an embedder's handler is, and asks ours
  on_own_stack   // ours is, in front of one without SA_ONSTACK: on the stack that it finds
};
inline constexpr entry entries[] = {entry::installed, entry::first_chance};
inline constexpr entry entries_of_stacks[] = {entry::installed, entry::first_chance, entry::on_own_stack};

// Makes faults reach nosigbus in this process. flags: as for nosigbus_install. What is not absorbed
// kills with the default action.
void enter_by(entry how, unsigned flags = 0);

}  // namespace test
