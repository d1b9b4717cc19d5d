// SPDX-License-Identifier: MIT
//
// Notices that a region's file becomes longer or shorter (inotify(7) on /proc/self/fd/N, which reports
// ftruncate of memory files, too). All functions are called with the event queue's lock held.
#pragma once

#include <src/shared/event_queue.h>

namespace nosigbus::file_watch {

// Watches the region's file, where there is a descriptor of it and the kernel has a watch to spare. Once.
void begin(event_queue& queue, region_descriptor& handle);

void end(event_queue& queue, region_descriptor& handle);

// Queues the regions whose files have changed their size.
void look(event_queue& queue);

}  // namespace nosigbus::file_watch
