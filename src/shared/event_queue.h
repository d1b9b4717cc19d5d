// SPDX-License-Identifier: MIT
//
// Which regions have something to tell. A handler puts a region in, once until it has been taken out, and
// rings; whoever dispatches takes all of them out. A region is queued, not an event, so the queue cannot
// overflow.
//
// No fault goes unnoticed: a handler counts the fault, then sees whether the region is queued already, and if
// not queues it, then rings. Who dispatches takes the ring away first, then the list, then says of each
// region that it is not queued, and reads its count after that. A fault that finds the region queued was
// counted before.
//
// A program may close all its descriptors, and have others under the same numbers. So the bell is a pipe,
// which has an inode of its own to be recognised by.
#pragma once

#include <src/shared/region.h>

namespace nosigbus {

// In memory that fork clears in the child, which has no descriptors and no events then.
struct event_queue {
  // Handles, last one first, by sync->next_queued. Pushed by handlers and dispatch (release), taken as a
  // whole by dispatch (acquire).
  std::atomic<region_descriptor*> head;
  // The pipe's write end + 1; 0 while nobody listens, and nothing is queued. Its identity is set before.
  std::atomic<int> bell;
  uint64_t bell_device, bell_inode;

  // --- Of ordinary code, under this lock. No callback is called with it held.
  futex_lock lock;
  int epoll, pipe_read, inotify;
  region_descriptor* taken;  // by sync->next_queued, first one first
  void* watches;             // file_watch.cpp
};

// Null until the first nosigbus_event_fd. Set once (release).
extern constinit std::atomic<event_queue*> g_event_queue;

// Queues the handle and rings, where anybody listens. Async-signal-safe. The caller keeps it from being
// released.
void announce(region_descriptor& handle);

// No handler is at work in any of its places any more. Returns whether the descriptor may be given back: one
// that is queued is given back by dispatch.
bool leaves_queue(region_descriptor& handle);

// Makes the descriptor readable. Async-signal-safe.
void ring(const event_queue& queue);

// 0: this descriptor is an end of the pipe; -EBADF: it is not, or not open; else there is no telling, as
// fstat(2) says.
long look_at_bell(const event_queue& queue, int fd);

}  // namespace nosigbus
