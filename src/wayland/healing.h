// SPDX-License-Identifier: MIT
//
// Views of clients that were let live: once their pools are resized, what the file has again is put back.
// Main thread.
#pragma once

#include <src/wayland/view.h>
#include <src/wayland/watch.h>

namespace nosigbus::wayland {

// False: no memory.
bool begin_healing(watch& at);
void end_healing(watch& at);

// A view with a buffer is damaged, and stays in use.
void enter_damaged(watch& at, nosigbus_wl_view& view);
// Whether it is or not. Its buffer still is.
void leave_damaged(nosigbus_wl_view& view);

// Where its turn has not come since the last request that may have healed it.
void heal_before_use(nosigbus_wl_view& view);

}  // namespace nosigbus::wayland
