// SPDX-License-Identifier: MIT
#pragma once

#include <src/shared/event_queue.h>

namespace nosigbus::events {

// A region has begun: its file is watched, where anybody listens.
void region_begins(region_descriptor& handle);

// It ends. Afterwards size changes do not queue it any more; faults may, until no handler is at work in it.
void region_ends(region_descriptor& handle);

}  // namespace nosigbus::events
