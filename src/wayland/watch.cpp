// SPDX-License-Identifier: MIT
#include <errno.h>
#include <src/wayland/container.h>
#include <src/wayland/healing.h>
#include <src/wayland/reports.h>
#include <src/wayland/watch.h>
#include <stdlib.h>
#include <string.h>

namespace nosigbus::wayland {

namespace {

watch& watch_of(wl_listener* listener) { return *NOSIGBUS_OBJECT_OF(watch, display_gone, listener); }

nosigbus_wl_damage describe(nosigbus_wl_view& view, const struct nosigbus_region_status& status) {
  const uint64_t lead = static_cast<uint64_t>(view.data - static_cast<unsigned char*>(view.memory.address));
  nosigbus_wl_damage damage{};
  damage.view = &view;
  damage.client = view.client->client;
  damage.buffer = view.buffer;
  damage.offset = status.first_bad_offset;
  if (damage.offset != UINT64_MAX) damage.offset = damage.offset > lead ? damage.offset - lead : 0;
  damage.count = status.faults;
  damage.cause = status.cause;
  return damage;
}

// Faults were absorbed in a view: if nobody knew, decides on its client.
void judge(nosigbus_wl_view& view) {
  struct nosigbus_region_status status;
  client_record& record = *view.client;
  if (!anything_to_tell(view, status) || record.client == nullptr || record.disconnecting) return;
  watch* const at = find_watch(wl_client_get_display(record.client));
  if (at == nullptr) return;
  const nosigbus_wl_damage damage = describe(view, status);
  const bool disconnect = at->watcher.damaged == nullptr || at->watcher.damaged(&damage, at->user);
  if (record.client == nullptr) return;  // the callback has destroyed it
  if (disconnect) {
    record.disconnecting = true;
    post_access_error(record.client, view.buffer);
  } else if (view.buffer != nullptr) {
    enter_damaged(*at, view);
  }
}

int on_event(const nosigbus_event* event, void* data) {
  if (nosigbus_wl_view* const view = find_view(event->region)) {
    judge(*view);
    nosigbus_wl_view_unref(view);
    return 0;
  }
  const watch& at = *static_cast<watch*>(data);
  if (at.watcher.other != nullptr) at.watcher.other(event, at.user);
  return 0;
}

int on_readable(int, uint32_t, void* data);

// 0 or -errno.
int listen(watch& at) {
  const int fd = nosigbus_event_fd();
  if (fd < 0) return fd;
  wl_event_loop* const loop = wl_display_get_event_loop(at.display);
  wl_event_source* const fresh = wl_event_loop_add_fd(loop, fd, WL_EVENT_READABLE, on_readable, &at);
  if (fresh == nullptr) return -ENOMEM;
  if (at.events != nullptr) wl_event_source_remove(at.events);
  at.events = fresh;
  return 0;
}

int on_readable(int, uint32_t, void* data) {
  watch& at = *static_cast<watch*>(data);
  // The program closed what was not its own.
  if (nosigbus_dispatch(on_event, &at) == -EBADF) listen(at);
  while (nosigbus_wl_view* const view = next_unheard()) {
    judge(*view);
    nosigbus_wl_view_unref(view);
  }
  return 0;
}

// All of them, so that one of which nothing is known is one that goes (use_client).
void know_clients(watch& at) {
  at.client_made.notify = [](wl_listener*, void* client) { know_client(static_cast<wl_client*>(client)); };
  wl_display_add_client_created_listener(at.display, &at.client_made);
  wl_client* client;
  wl_client_for_each(client, wl_display_get_client_list(at.display)) know_client(client);
}

void end_watch(watch& at) {
  wl_list_remove(&at.display_gone.link);
  wl_list_remove(&at.client_made.link);
  wl_event_source_remove(at.events);
  end_healing(at);
  free(&at);
  cease_to_listen();
}

// The event loop still lives.
void on_display_gone(wl_listener* listener, void*) { end_watch(watch_of(listener)); }

// 0, -E2BIG.
int copy_watcher(nosigbus_wl_watcher& to, const nosigbus_wl_watcher* from, size_t size) {
  if (from == nullptr) return 0;
  const unsigned char* const bytes = reinterpret_cast<const unsigned char*>(from);
  for (size_t i = sizeof to; i < size; ++i) {
    if (bytes[i] != 0) return -E2BIG;
  }
  memcpy(&to, from, size < sizeof to ? size : sizeof to);
  return 0;
}

int begin_watch(watch& at) {
  if (const int error = listen(at)) return error;
  if (!begin_healing(at)) {
    wl_event_source_remove(at.events);
    return -ENOMEM;
  }
  at.display_gone.notify = on_display_gone;
  wl_display_add_destroy_listener(at.display, &at.display_gone);
  know_clients(at);
  begin_to_listen();
  return 0;
}

}  // namespace

watch* find_watch(wl_display* display) {
  wl_listener* const listener = wl_display_get_destroy_listener(display, on_display_gone);
  return listener == nullptr ? nullptr : &watch_of(listener);
}

}  // namespace nosigbus::wayland

using namespace nosigbus::wayland;

int nosigbus_wl_watch(wl_display* display, const nosigbus_wl_watcher* watcher, size_t size,
                      void* user) noexcept {
  if (display == nullptr) return -EINVAL;
  if (find_watch(display) != nullptr) return -EEXIST;
  watch* const at = static_cast<watch*>(calloc(1, sizeof *at));
  if (at == nullptr) return -ENOMEM;
  at->display = display;
  at->user = user;
  int error = copy_watcher(at->watcher, watcher, size);
  if (error == 0) error = begin_watch(*at);
  if (error != 0) free(at);
  return error;
}

int nosigbus_wl_unwatch(wl_display* display) noexcept {
  watch* const at = display == nullptr ? nullptr : find_watch(display);
  if (at == nullptr) return -ENOENT;
  end_watch(*at);
  return 0;
}
