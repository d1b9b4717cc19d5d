// SPDX-License-Identifier: MIT
//
// What a compositor has to do so that it may read a client's memory: all in which its two builds differ.
// shm_access_wayland.cpp does it with libwayland's brackets, shm_access_nosigbus.cpp with
// <nosigbus/wayland.h>.
#pragma once

#include <wayland-server-core.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace compositor {

// The memory of a wl_buffer of wl_shm. Made and destroyed by the main thread.
class shm_access {
 public:
  virtual ~shm_access() = default;
  // Calls use(memory). Any thread, one at a time.
  virtual void read(const std::function<void(const std::byte*)>& use) = 0;
};

// Null: it cannot be read, as the client has been told. Main thread.
std::unique_ptr<shm_access> open_shm(wl_resource* buffer);

// Calls use(memory), which writes to it; false as above. Main thread.
bool write_shm(wl_resource* buffer, const std::function<void(std::byte*)>& use);

// Whether a read has to end before its buffer may be destroyed.
bool reads_need_the_buffer();

// libwayland is made for one thread. The main thread holds this lock whenever it is awake, and others while
// they call libwayland: where reading does not call it, there is nothing to lock.
struct wayland_lock {
  void lock();
  void unlock();
};

// Once, before the first client. tolerant: a client that has cut off its memory stays, and is shown as far as
// it can be. False: not possible, which has been said.
bool start_shm(wl_display* display, bool tolerant);
// Before the display is destroyed.
void stop_shm(wl_display* display);

// Who this is, for people.
const char* shm_name();

}  // namespace compositor
