// SPDX-License-Identifier: MIT
//
// From a region's event to its view, and no fault untold: views end on any thread, the main thread hears of
// faults later.
#pragma once

#include <src/wayland/view.h>

namespace nosigbus::wayland {

// Makes the view known to find_view.
void report_for(nosigbus_wl_view& view);

// The view of this region, with a reference for the caller; null where it is none. The region may have been
// released meanwhile.
nosigbus_wl_view* find_view(const nosigbus_region* region);

// Takes a reference away. True: it was the last one, and the view is known no more. A view with faults that
// nobody was told of lives on, where anybody listens, until next_unheard.
bool give_up(nosigbus_wl_view& view);

// A view that lives on, with its reference for the caller; null: none.
nosigbus_wl_view* next_unheard();

// Whether there were faults since the last call, and how the region is.
bool anything_to_tell(nosigbus_wl_view& view, struct nosigbus_region_status& status);

// Somebody listens from now on; no more.
void begin_to_listen();
void cease_to_listen();

}  // namespace nosigbus::wayland
