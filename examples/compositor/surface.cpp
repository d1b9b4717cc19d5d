// SPDX-License-Identifier: MIT
#include "surface.h"

#include <wayland-server-protocol.h>

#include "server.h"
#include "subsurface.h"

namespace compositor {

namespace {

constexpr struct wl_surface_interface requests = {
    .destroy = destroy_request,
    .attach = [](wl_client*, wl_resource* self, wl_resource* buffer, int32_t,
                 int32_t) { implementation_of<surface>(self).attach(buffer); },
    .damage = [](wl_client*, wl_resource* self, int32_t x, int32_t y, int32_t width,
                 int32_t height) { implementation_of<surface>(self).damage(x, y, width, height); },
    .frame = [](wl_client*, wl_resource* self, uint32_t id) { implementation_of<surface>(self).frame(id); },
    .set_opaque_region = [](wl_client*, wl_resource*, wl_resource*) {},
    .set_input_region = [](wl_client*, wl_resource*, wl_resource*) {},
    .commit = [](wl_client* client,
                 wl_resource* self) { serve(client, [&] { implementation_of<surface>(self).commit(); }); },
    .set_buffer_transform =
        [](wl_client* client, wl_resource*, int32_t transform) {
          if (transform == WL_OUTPUT_TRANSFORM_NORMAL) return;
          wl_client_post_implementation_error(client, "buffers are not turned here");
        },
    .set_buffer_scale =
        [](wl_client* client, wl_resource*, int32_t scale) {
          if (scale == 1) return;
          wl_client_post_implementation_error(client, "buffers are not scaled here");
        },
    // So a surface's pixels are its buffer's.
    .damage_buffer = [](wl_client*, wl_resource* self, int32_t x, int32_t y, int32_t width,
                        int32_t height) { implementation_of<surface>(self).damage(x, y, width, height); },
    // Of a later version than compositor_version.
    .offset = nullptr,
};

void forget_callback(wl_resource* callback) { wl_list_remove(wl_resource_get_link(callback)); }

void append(wl_list* to, wl_list* from) {
  wl_list_insert_list(to->prev, from);
  wl_list_init(from);
}

}  // namespace

surface_state::~surface_state() {
  // They stay the client's.
  wl_resource *callback, *next;
  wl_resource_for_each_safe(callback, next, &callbacks) {
    wl_list_remove(wl_resource_get_link(callback));
    wl_list_init(wl_resource_get_link(callback));
  }
}

void surface_state::add(surface_state& later) {
  if (later.attaches) {
    attaches = true;
    buffer.reset(later.buffer.get());
  }
  damage.add(later.damage);
  append(&callbacks, &later.callbacks);
  later.attaches = false;
  later.buffer.reset(nullptr);
  later.damage.clear();
}

void surface::create(server& owner, wl_client* client, uint32_t version, uint32_t id) {
  auto made = std::make_unique<surface>(owner, client);
  surface* const self = made.get();
  wl_resource* const resource =
      make_resource(client, &wl_surface_interface, version, id, &requests, std::move(made));
  if (resource != nullptr) self->resource_ = resource;
}

surface::surface(server& owner, wl_client* client)
    : server_(owner), client_(client), place_(owner.surfaces.insert(owner.surfaces.end(), this)) {}

surface::~surface() {
  server_.surfaces.erase(place_);
  if (role_ != nullptr) role_->surface_destroyed();
  for (subsurface* const child : stack_) {
    if (child != nullptr) child->parent_destroyed();
  }
  if (current_upload_ != nullptr) current_upload_->done = nullptr;
}

bool surface::take_role(const wl_interface* kind, role* object) {
  if (role_ != nullptr || (role_kind_ != nullptr && role_kind_ != kind)) return false;
  role_kind_ = kind;
  role_ = object;
  return true;
}

void surface::leave_role() {
  role_ = nullptr;
  server_.screen.damage_all();
}

void surface::attach(wl_resource* buffer) {
  pending_.attaches = true;
  pending_.buffer.reset(buffer);
}

void surface::frame(uint32_t id) {
  wl_resource* const callback =
      make_plain_resource(client_, &wl_callback_interface, 1, id, nullptr, nullptr, forget_callback);
  if (callback != nullptr) wl_list_insert(pending_.callbacks.prev, wl_resource_get_link(callback));
}

void surface::commit() {
  const bool shows_buffer = pending_.attaches ? pending_.buffer.get() != nullptr : has_buffer();
  if (role_ != nullptr && !role_->may_commit(shows_buffer)) return;
  cached_.add(pending_);
  if (role_ == nullptr || !role_->synchronized()) apply(cached_);
}

void surface::apply_cached() { apply(cached_); }

void surface::apply(surface_state& state) {
  current_.add(state);
  front_.stale.add(current_.damage);
  back_.stale.add(current_.damage);
  current_.damage.clear();
  if (current_.attaches) {
    current_.attaches = false;
    wl_resource* const buffer = current_.buffer.get();
    // One that was waiting, and is not to be seen any more.
    if (next_.get() != nullptr && next_.get() != buffer) wl_buffer_send_release(next_.get());
    next_.reset(buffer);
    current_.buffer.reset(nullptr);
    if (buffer == nullptr) drop_content();
  }
  start_upload();
  for (subsurface* const child : stack_) {
    if (child != nullptr) child->parent_committed();
  }
  if (role_ != nullptr) role_->committed();
  server_.schedule_repaint();
}

void surface::drop_content() {
  unwanted_ = current_upload_ != nullptr;
  front_ = {};
  back_ = {};
  if (role_ != nullptr) role_->content_changed();
  server_.screen.damage_all();
}

// What libwayland has not looked at: it compares the stride with the number of pixels.
bool surface::describe(wl_resource* buffer, layout* out) const {
  wl_shm_buffer* const shm = wl_shm_buffer_get(buffer);
  if (shm == nullptr) {
    wl_client_post_implementation_error(client_, "a buffer that is none of wl_shm");
    return false;
  }
  *out = {wl_shm_buffer_get_width(shm), wl_shm_buffer_get_height(shm), wl_shm_buffer_get_stride(shm),
          wl_shm_buffer_get_format(shm) == WL_SHM_FORMAT_ARGB8888};
  if (out->width > largest_side || out->height > largest_side) {
    wl_client_post_implementation_error(client_, "a buffer of %dx%d pixels", out->width, out->height);
    return false;
  }
  if (out->stride % bytes_per_pixel != 0 || out->stride < out->width * bytes_per_pixel) {
    wl_resource_post_error(buffer, WL_SHM_ERROR_INVALID_STRIDE, "rows of %d pixels in %d bytes", out->width,
                           out->stride);
    return false;
  }
  return true;
}

void surface::start_upload() {
  wl_resource* const buffer = next_.get();
  if (current_upload_ != nullptr || buffer == nullptr) return;
  next_.reset(nullptr);
  layout format;
  if (!describe(buffer, &format)) return;
  if (!back_.pixels || !back_.pixels->format().same_pixels(format)) {
    back_.pixels = texture::make(format);
    back_.stale = region(format.width, format.height);
    if (!back_.pixels) return wl_client_post_no_memory(client_);
  }
  auto memory = open_shm(buffer);
  if (!memory) return;
  auto work = std::make_unique<upload>(server_.uploads, buffer, std::move(memory));
  back_.stale.clip(format.width, format.height);
  work->area = std::move(back_.stale);
  work->format = format;
  work->target = std::move(back_.pixels);
  work->done = [this](upload& finished) { serve(client_, [&] { finish_upload(finished); }); };
  upload* const submitted = work.get();
  server_.uploads.submit(std::move(work));
  current_upload_ = submitted;
}

void surface::finish_upload(upload& work) {
  current_upload_ = nullptr;
  server_.upload_time += work.nanoseconds;
  wl_resource* const buffer = work.buffer.get();
  if (buffer != nullptr && buffer != next_.get()) wl_buffer_send_release(buffer);
  if (!unwanted_) show_uploaded(work);
  unwanted_ = false;
  start_upload();
  server_.schedule_repaint();
}

void surface::show_uploaded(upload& work) {
  back_.pixels = std::move(work.target);
  if (work.complete) {
    const bool other_size = width() != work.format.width || height() != work.format.height;
    std::swap(front_, back_);
    if (other_size) {
      if (role_ != nullptr) role_->content_changed();
      server_.screen.damage_all();
    } else {
      damage_output(work.area);
    }
  } else {
    back_.stale.add(work.area);
  }
}

void surface::damage_output(const region& area) const {
  int x, y;
  if (role_ == nullptr || !role_->position(&x, &y)) return;
  region moved;
  moved.add(area);
  moved.move(x, y);
  server_.screen.damage(moved);
}

int surface::height_of_tree() const {
  int height = 0;
  for (const subsurface* const child : stack_) {
    if (child != nullptr) height = std::max(height, 1 + child->height_of_tree());
  }
  return height;
}

void surface::paint(pixman_image_t* target, int x, int y) const {
  if (!has_content()) return;
  for (const subsurface* const child : stack_) {
    if (child != nullptr) {
      child->paint(target, x, y);
    } else {
      const layout& format = front_.pixels->format();
      pixman_image_composite32(format.has_alpha ? PIXMAN_OP_OVER : PIXMAN_OP_SRC, front_.pixels->image(),
                               nullptr, target, 0, 0, 0, 0, x, y, format.width, format.height);
    }
  }
}

void surface::painted(uint32_t milliseconds) {
  if (current_upload_ != nullptr) return;
  wl_resource *callback, *next;
  wl_resource_for_each_safe(callback, next, &current_.callbacks) {
    wl_callback_send_done(callback, milliseconds);
    wl_resource_destroy(callback);
  }
}

}  // namespace compositor
