// SPDX-License-Identifier: MIT
//
// xdg_wm_base: surfaces that are windows. Popups are dismissed as soon as they are asked for.
#pragma once

#include <wayland-server-core.h>

namespace compositor {

class server;

bool offer_xdg_shell(server& owner);

}  // namespace compositor
