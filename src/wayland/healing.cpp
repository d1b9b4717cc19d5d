// SPDX-License-Identifier: MIT
#include <src/wayland/container.h>
#include <src/wayland/healing.h>
#include <string.h>
#include <wayland-server-protocol.h>

namespace nosigbus::wayland {

namespace {

// A request is cheap to send, and a client can have any number of damaged views.
constexpr unsigned most_at_once = 64;
constexpr int soon = 1;  // millisecond

nosigbus_wl_view& view_of(wl_list* damage_link) {
  return *NOSIGBUS_OBJECT_OF(nosigbus_wl_view, damage_link, damage_link);
}

// Of a damaged view's buffer: where the watch ends, no view is damaged any more.
watch& watch_of(wl_resource* buffer) {
  return *find_watch(wl_client_get_display(wl_resource_get_client(buffer)));
}

void look_again_soon(watch& at) { wl_event_source_timer_update(at.timer, soon); }

void forget(nosigbus_wl_view& view) {
  view.damaged = false;
  wl_list_remove(&view.damage_link);
  wl_list_remove(&view.watch_link);
}

void no_longer_damaged(watch& at, nosigbus_wl_view& view) {
  forget(view);
  // The logger may be what calls us, and libwayland would go on from it to the next one.
  if (wl_list_empty(&at.damaged)) look_again_soon(at);
}

void try_to_heal(watch& at, nosigbus_wl_view& view) {
  view.resizes_seen = view.client->resizes;
  if (nosigbus_region_refresh(view.memory.region) == 1) {
    no_longer_damaged(at, view);
    return;
  }
  wl_list_remove(&view.damage_link);
  wl_list_insert(view.client->damaged.prev, &view.damage_link);
}

// Those of the list, the first `most` at once and the others soon. Returns how many it tried.
unsigned heal(watch& at, wl_list& views, unsigned most) {
  wl_list now;
  wl_list_init(&now);
  wl_list_insert_list(&now, &views);
  wl_list_init(&views);
  unsigned tried = 0;
  for (; tried < most && !wl_list_empty(&now); ++tried) try_to_heal(at, view_of(now.next));
  if (!wl_list_empty(&now)) {
    wl_list_insert_list(at.stale.prev, &now);
    look_again_soon(at);
  }
  return tried;
}

// Request upon request, there are no more tries in a turn than for one.
void heal_views_of(watch& at, client_record& client) {
  ++client.resizes;
  if (wl_list_empty(&client.damaged)) return;
  if (client.turn != at.turn) client.tried = 0;
  client.turn = at.turn;
  client.tried += heal(at, client.damaged, most_at_once - client.tried);
  look_again_soon(at);
}

int on_timer(void* data) {
  watch& at = *static_cast<watch*>(data);
  ++at.turn;
  heal(at, at.stale, most_at_once);
  if (wl_list_empty(&at.damaged) && at.logger != nullptr) {
    wl_protocol_logger_destroy(at.logger);
    at.logger = nullptr;
  }
  return 0;
}

bool is_resize(const wl_protocol_logger_message& message) {
  return strcmp(message.message->name, "resize") == 0 &&
         strcmp(wl_resource_get_class(message.resource), wl_shm_pool_interface.name) == 0;
}

// Before the request is carried out.
void on_message(void* data, wl_protocol_logger_type direction, const wl_protocol_logger_message* message) {
  if (direction != WL_PROTOCOL_LOGGER_REQUEST || !is_resize(*message)) return;
  client_record* const client = find_client(wl_resource_get_client(message->resource));
  if (client != nullptr) heal_views_of(*static_cast<watch*>(data), *client);
}

}  // namespace

bool begin_healing(watch& at) {
  wl_list_init(&at.damaged);
  wl_list_init(&at.stale);
  at.timer = wl_event_loop_add_timer(wl_display_get_event_loop(at.display), on_timer, &at);
  return at.timer != nullptr;
}

void end_healing(watch& at) {
  if (at.logger != nullptr) wl_protocol_logger_destroy(at.logger);
  wl_event_source_remove(at.timer);
  while (!wl_list_empty(&at.damaged)) {
    forget(*NOSIGBUS_OBJECT_OF(nosigbus_wl_view, watch_link, at.damaged.next));
  }
}

void enter_damaged(watch& at, nosigbus_wl_view& view) {
  if (view.damaged) return;
  view.damaged = true;
  view.resizes_seen = view.client->resizes;
  wl_list_insert(view.client->damaged.prev, &view.damage_link);
  wl_list_insert(&at.damaged, &view.watch_link);
  if (at.logger == nullptr) at.logger = wl_display_add_protocol_logger(at.display, on_message, &at);
}

void leave_damaged(nosigbus_wl_view& view) {
  if (view.damaged) no_longer_damaged(watch_of(view.buffer), view);
}

void heal_before_use(nosigbus_wl_view& view) {
  if (view.damaged && view.resizes_seen != view.client->resizes) try_to_heal(watch_of(view.buffer), view);
}

}  // namespace nosigbus::wayland
