// SPDX-License-Identifier: MIT
#include <errno.h>
#include <src/wayland/container.h>
#include <src/wayland/healing.h>
#include <src/wayland/reports.h>
#include <stdlib.h>

namespace nosigbus::wayland {

namespace {

// A client can have wl_buffers without end, and get each of them shown once; each view is a mapping, of which
// a process has tens of thousands. So only these, of those that were asked for last, keep their views by
// themselves.
constexpr unsigned most_kept = 1024;

// The views of a wl_buffer, with a reference to each. Main thread. Ends with the wl_buffer.
struct buffer_record {
  wl_listener gone;
  nosigbus_wl_view *read, *written;
  client_record* client;  // with a reference
  wl_list kept_link;      // in client_record.kept while there are views
};

buffer_record& record_of(wl_listener* gone) { return *NOSIGBUS_OBJECT_OF(buffer_record, gone, gone); }

void take_off_kept(buffer_record& record) {
  if (wl_list_empty(&record.kept_link)) return;
  wl_list_remove(&record.kept_link);
  wl_list_init(&record.kept_link);
  --record.client->kept_count;
}

// The wl_buffer's own references. Who else has some, has a view whose wl_buffer has gone.
void give_up_views(buffer_record& record) {
  take_off_kept(record);
  for (nosigbus_wl_view** const each : {&record.read, &record.written}) {
    nosigbus_wl_view* const view = *each;
    *each = nullptr;
    if (view == nullptr) continue;
    leave_damaged(*view);
    view->buffer = nullptr;
    nosigbus_wl_view_unref(view);
  }
}

// The record was asked for last.
void keep_views(buffer_record& record) {
  take_off_kept(record);
  client_record& client = *record.client;
  if (client.kept_count == most_kept) {
    give_up_views(*NOSIGBUS_OBJECT_OF(buffer_record, kept_link, client.kept.prev));
  }
  wl_list_insert(&client.kept, &record.kept_link);
  ++client.kept_count;
}

void on_buffer_gone(wl_listener* listener, void*) {
  buffer_record& record = record_of(listener);
  wl_list_remove(&listener->link);
  give_up_views(record);
  drop_client(*record.client);
  free(&record);
}

buffer_record* use_buffer(wl_resource* buffer) {
  wl_listener* const listener = wl_resource_get_destroy_listener(buffer, on_buffer_gone);
  if (listener != nullptr) return &record_of(listener);
  buffer_record* const record = static_cast<buffer_record*>(calloc(1, sizeof *record));
  if (record == nullptr) return nullptr;
  record->client = use_client(wl_resource_get_client(buffer));
  if (record->client == nullptr) {
    free(record);
    return nullptr;
  }
  wl_list_init(&record->kept_link);
  record->gone.notify = on_buffer_gone;
  wl_resource_add_destroy_listener(buffer, &record->gone);
  return record;
}

int describe(nosigbus_wl_view& view, wl_shm_buffer* shm) {
  view.width = wl_shm_buffer_get_width(shm);
  view.height = wl_shm_buffer_get_height(shm);
  view.stride = wl_shm_buffer_get_stride(shm);
  view.format = wl_shm_buffer_get_format(shm);
  // As libwayland has made sure.
  if (view.width <= 0 || view.height <= 0 || view.stride <= 0) return -EINVAL;
  view.size = static_cast<size_t>(view.stride) * static_cast<size_t>(view.height);
  return 0;
}

int fill_in(nosigbus_wl_view& view, wl_resource* buffer, wl_shm_buffer* shm, bool writable) {
  if (const int error = describe(view, shm)) return error;
  view.client = use_client(wl_resource_get_client(buffer));
  if (view.client == nullptr) return -ENOMEM;
  unsigned char* const theirs = static_cast<unsigned char*>(wl_shm_buffer_get_data(shm));
  if (const int error = map_again(view.memory, theirs, view.size, writable)) {
    drop_client(*view.client);
    return error;
  }
  // Both are page-aligned: what the pages of theirs lack in front, the pages of ours lack.
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  view.data =
      static_cast<unsigned char*>(view.memory.address) + (reinterpret_cast<uintptr_t>(theirs) & (page - 1));
  view.buffer = buffer;
  view.references.store(1, std::memory_order_relaxed);
  return 0;
}

// 0 or -errno.
int make_view(nosigbus_wl_view*& out, wl_resource* buffer, wl_shm_buffer* shm, bool writable) {
  nosigbus_wl_view* const view = static_cast<nosigbus_wl_view*>(calloc(1, sizeof *view));
  if (view == nullptr) return -ENOMEM;
  if (const int error = fill_in(*view, buffer, shm, writable)) {
    free(view);
    return error;
  }
  report_for(*view);
  out = view;
  return 0;
}

}  // namespace

void end_view(nosigbus_wl_view& view) {
  unmap(view.memory);
  drop_client(*view.client);
  free(&view);
}

}  // namespace nosigbus::wayland

using namespace nosigbus::wayland;

int nosigbus_wl_view_get(nosigbus_wl_view** out, wl_resource* buffer, unsigned flags) noexcept {
  if (out == nullptr || buffer == nullptr || (flags & ~NOSIGBUS_WL_WRITE) != 0) return -EINVAL;
  wl_shm_buffer* const shm = wl_shm_buffer_get(buffer);
  if (shm == nullptr) return -EINVAL;
  buffer_record* const record = use_buffer(buffer);
  if (record == nullptr) return -ENOMEM;
  const bool writable = (flags & NOSIGBUS_WL_WRITE) != 0;
  nosigbus_wl_view*& view = writable ? record->written : record->read;
  if (view == nullptr) {
    if (const int error = make_view(view, buffer, shm, writable)) return error;
  }
  heal_before_use(*view);
  *out = nosigbus_wl_view_ref(view);
  keep_views(*record);
  return 0;
}

nosigbus_wl_view* nosigbus_wl_view_ref(nosigbus_wl_view* view) noexcept {
  // relaxed: whoever has a reference to begin with has seen the view.
  view->references.fetch_add(1, std::memory_order_relaxed);
  return view;
}

void nosigbus_wl_view_unref(nosigbus_wl_view* view) noexcept {
  if (view != nullptr && give_up(*view)) end_view(*view);
}

void* nosigbus_wl_view_data(const nosigbus_wl_view* view) noexcept { return view->data; }
size_t nosigbus_wl_view_size(const nosigbus_wl_view* view) noexcept { return view->size; }
int32_t nosigbus_wl_view_width(const nosigbus_wl_view* view) noexcept { return view->width; }
int32_t nosigbus_wl_view_height(const nosigbus_wl_view* view) noexcept { return view->height; }
int32_t nosigbus_wl_view_stride(const nosigbus_wl_view* view) noexcept { return view->stride; }
uint32_t nosigbus_wl_view_format(const nosigbus_wl_view* view) noexcept { return view->format; }
nosigbus_region* nosigbus_wl_view_region(const nosigbus_wl_view* view) noexcept {
  return view->memory.region;
}
wl_client* nosigbus_wl_view_client(const nosigbus_wl_view* view) noexcept { return view->client->client; }
