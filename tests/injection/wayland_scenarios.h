// SPDX-License-Identifier: MIT
#pragma once

#include "scenario.h"

namespace test {

// nosigbus::wayland: views, watches, healing. A server and its client, both on libwayland.
std::vector<scenario> wayland_scenarios();

}  // namespace test
