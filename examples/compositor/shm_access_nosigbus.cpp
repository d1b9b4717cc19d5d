// SPDX-License-Identifier: MIT
//
// With <nosigbus/wayland.h>: a view of the buffer's memory is read by whoever has it, whatever becomes of the
// buffer, its pool and the client. Nothing is opened or closed around a read, and nothing is locked; who cut
// off its file is disconnected from the event loop.
#include <nosigbus/wayland.h>
#include <wayland-server-protocol.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "shm_access.h"
#include "sigbus_handler.h"

namespace compositor {

namespace {

class view : public shm_access {
 public:
  explicit view(nosigbus_wl_view* guarded) : guarded_(guarded) {}
  ~view() override { nosigbus_wl_view_unref(guarded_); }
  view(const view&) = delete;
  view& operator=(const view&) = delete;

  std::byte* memory() const { return static_cast<std::byte*>(nosigbus_wl_view_data(guarded_)); }
  void read(const std::function<void(const std::byte*)>& use) override { use(memory()); }

 private:
  nosigbus_wl_view* const guarded_;
};

std::unique_ptr<view> get(wl_resource* buffer, unsigned flags) {
  nosigbus_wl_view* guarded = nullptr;
  const int error = nosigbus_wl_view_get(&guarded, buffer, flags);
  if (error == 0) {
    if (auto* const made = new (std::nothrow) view(guarded)) return std::unique_ptr<view>(made);
    nosigbus_wl_view_unref(guarded);
  }
  if (error == 0 || error == -ENOMEM) {
    wl_client_post_no_memory(wl_resource_get_client(buffer));
    return nullptr;
  }
  wl_resource_post_error(buffer, WL_SHM_ERROR_INVALID_FD, "memory that cannot be guarded: %s",
                         strerrordesc_np(-error));
  return nullptr;
}

// What there is to know of a client before it is disconnected, or in place of that.
void describe(const nosigbus_wl_damage* damage) {
  pid_t process = 0;
  if (damage->client != nullptr) wl_client_get_credentials(damage->client, &process, nullptr, nullptr);
  fprintf(stderr, "process %d: memory is missing from byte %llu of %zu on (%s), met %llu times\n", process,
          static_cast<unsigned long long>(damage->offset), nosigbus_wl_view_size(damage->view),
          damage->cause == NOSIGBUS_EOF ? "the file ends" : "it cannot be read",
          static_cast<unsigned long long>(damage->count));
}
bool disconnect(const nosigbus_wl_damage* damage, void*) {
  describe(damage);
  return true;
}
bool tolerate(const nosigbus_wl_damage* damage, void*) {
  describe(damage);
  return false;
}

}  // namespace

std::unique_ptr<shm_access> open_shm(wl_resource* buffer) { return get(buffer, 0); }

bool write_shm(wl_resource* buffer, const std::function<void(std::byte*)>& use) {
  const auto target = get(buffer, NOSIGBUS_WL_WRITE);
  if (target) use(target->memory());
  return target != nullptr;
}

bool reads_need_the_buffer() { return false; }

// No other thread calls libwayland.
void wayland_lock::lock() {}
void wayland_lock::unlock() {}

bool start_shm(wl_display* display, bool tolerant) {
  int error = handle_sigbus();
  const nosigbus_wl_watcher watcher{.damaged = tolerant ? tolerate : disconnect, .other = nullptr};
  if (error == 0) error = nosigbus_wl_watch(display, &watcher, sizeof watcher, nullptr);
  if (error != 0) fprintf(stderr, "nosigbus: %s\n", strerrordesc_np(-error));
  return error == 0;
}
void stop_shm(wl_display* display) { nosigbus_wl_unwatch(display); }

const char* shm_name() { return "nosigbus"; }

}  // namespace compositor
