// SPDX-License-Identifier: MIT
#include <src/wayland/client.h>
#include <src/wayland/container.h>
#include <src/wayland/watch.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server-protocol.h>

namespace nosigbus::wayland {

namespace {

client_record& record_of(wl_listener* gone) { return *NOSIGBUS_OBJECT_OF(client_record, gone, gone); }

// Its wl_buffers are destroyed after this.
void on_client_gone(wl_listener* listener, void*) {
  client_record& record = record_of(listener);
  record.client = nullptr;
  wl_list_remove(&listener->link);
  drop_client(record);
}

// With one reference. client: null for one that has gone.
client_record* make_record(wl_client* client) {
  client_record* const record = static_cast<client_record*>(calloc(1, sizeof *record));
  if (record == nullptr) return nullptr;
  record->client = client;
  record->references.store(1, std::memory_order_relaxed);
  wl_list_init(&record->damaged);
  wl_list_init(&record->kept);
  record->gone.notify = on_client_gone;
  if (client != nullptr) wl_client_add_destroy_listener(client, &record->gone);
  return record;
}

wl_iterator_result look_for_shm(wl_resource* resource, void* found) {
  const char* const name = wl_resource_get_class(resource);
  if (strcmp(name, wl_shm_interface.name) != 0 && strcmp(name, wl_shm_pool_interface.name) != 0) {
    return WL_ITERATOR_CONTINUE;
  }
  *static_cast<wl_resource**>(found) = resource;
  return WL_ITERATOR_STOP;
}

}  // namespace

client_record* find_client(wl_client* client) {
  wl_listener* const listener = wl_client_get_destroy_listener(client, on_client_gone);
  return listener == nullptr ? nullptr : &record_of(listener);
}

client_record* use_client(wl_client* client) {
  client_record* record = find_client(client);
  if (record == nullptr) {
    // A listener that is added now would never hear of it, if it is being destroyed.
    const bool going = find_watch(wl_client_get_display(client)) != nullptr;
    record = make_record(going ? nullptr : client);
    if (record == nullptr || going) return record;
  }
  record->references.fetch_add(1, std::memory_order_relaxed);
  return record;
}

void know_client(wl_client* client) {
  if (find_client(client) == nullptr) make_record(client);
}

void drop_client(client_record& record) {
  if (record.references.fetch_sub(1, std::memory_order_acq_rel) == 1) free(&record);
}

void post_access_error(wl_client* client, wl_resource* buffer) {
  constexpr const char* text = "error accessing SHM buffer";
  if (buffer == nullptr) wl_client_for_each_resource(client, look_for_shm, &buffer);
  if (buffer != nullptr) {
    wl_resource_post_error(buffer, WL_SHM_ERROR_INVALID_FD, "%s", text);
  } else {
    wl_client_post_implementation_error(client, "%s", text);
  }
}

}  // namespace nosigbus::wayland
