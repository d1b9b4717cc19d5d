// SPDX-License-Identifier: MIT
//
// With libwayland's brackets, on a thread of its own, as carefully as they permit:
//
// - A bracket belongs to a thread, and to one pool at a time on it: the thread that reads opens and closes
// it.
// - A pool that grows moves. A reference to it puts that off until the read is over, and a client that makes
// a
//   buffer in the part that it has grown by, before that, is disconnected for it.
// - The wl_shm_buffer is freed with the wl_buffer: whoever destroys that, waits for the read.
// - Closing a bracket may disconnect the client, which calls libwayland from this thread: hence the lock.
//
// What no care helps against is in README.md.
#include <wayland-server-core.h>

#include <cstdio>
#include <mutex>

#include "shm_access.h"

namespace compositor {

namespace {

std::mutex g_libwayland;

class bracketed : public shm_access {
 public:
  explicit bracketed(wl_shm_buffer* buffer)
      : buffer_(buffer),
        memory_(static_cast<const std::byte*>(wl_shm_buffer_get_data(buffer))),
        pool_(wl_shm_buffer_ref_pool(buffer)) {}
  ~bracketed() override { wl_shm_pool_unref(pool_); }
  bracketed(const bracketed&) = delete;
  bracketed& operator=(const bracketed&) = delete;

  void read(const std::function<void(const std::byte*)>& use) override {
    wl_shm_buffer_begin_access(buffer_);
    use(memory_);
    const std::lock_guard locked(g_libwayland);
    wl_shm_buffer_end_access(buffer_);
  }

 private:
  wl_shm_buffer* const buffer_;
  const std::byte* const memory_;
  wl_shm_pool* const pool_;
};

}  // namespace

std::unique_ptr<shm_access> open_shm(wl_resource* buffer) {
  return std::make_unique<bracketed>(wl_shm_buffer_get(buffer));
}

bool write_shm(wl_resource* buffer, const std::function<void(std::byte*)>& use) {
  wl_shm_buffer* const target = wl_shm_buffer_get(buffer);
  wl_shm_buffer_begin_access(target);
  use(static_cast<std::byte*>(wl_shm_buffer_get_data(target)));
  wl_shm_buffer_end_access(target);
  return true;
}

bool reads_need_the_buffer() { return true; }

void wayland_lock::lock() { g_libwayland.lock(); }
void wayland_lock::unlock() { g_libwayland.unlock(); }

// Closing a bracket disconnects without asking.
bool start_shm(wl_display*, bool tolerant) {
  if (tolerant) fputs("libwayland's brackets tolerate nobody\n", stderr);
  return !tolerant;
}
void stop_shm(wl_display*) {}

const char* shm_name() { return "libwayland's brackets"; }

}  // namespace compositor
