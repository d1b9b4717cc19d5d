// SPDX-License-Identifier: MIT
//
// wl_surface: what a client shows, wherever its role puts it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "region.h"
#include "resource.h"
#include "texture.h"
#include "uploader.h"

namespace compositor {

class server;
class subsurface;
class surface;

// What a surface is used for. It and its surface may be destroyed in either order.
class role {
 public:
  virtual ~role() = default;
  // Where on the output the surface's origin is; false: nowhere.
  virtual bool position(int* x, int* y) const = 0;
  // False: it must not, as the client has been told.
  virtual bool may_commit(bool shows_buffer) {
    (void)shows_buffer;
    return true;
  }
  // Commits wait for the parent's.
  virtual bool synchronized() const { return false; }
  virtual void committed() {}
  // It has pixels now, none any more, or another size.
  virtual void content_changed() {}
  virtual void surface_destroyed() = 0;
};

// What requests have collected, until a commit.
struct surface_state {
  surface_state() { wl_list_init(&callbacks); }
  ~surface_state();
  // Takes over what `later` says.
  void add(surface_state& later);

  bool attaches = false;
  resource_reference buffer;
  region damage;
  wl_list callbacks;
};

class surface {
 public:
  static void create(server& owner, wl_client* client, uint32_t version, uint32_t id);
  surface(server& owner, wl_client* client);
  surface(const surface&) = delete;
  surface& operator=(const surface&) = delete;
  ~surface();

  server& owner() const { return server_; }
  wl_client* client() const { return client_; }
  wl_resource* resource() const { return resource_; }
  bool has_content() const { return front_.pixels != nullptr; }
  bool has_buffer() const {
    return has_content() || next_.get() != nullptr || (current_upload_ != nullptr && !unwanted_);
  }
  bool is_opaque() const { return has_content() && !front_.pixels->format().has_alpha; }
  int width() const { return has_content() ? front_.pixels->format().width : 0; }
  int height() const { return has_content() ? front_.pixels->format().height : 0; }

  // A surface keeps the first kind of role that it gets, and has one object of it at a time. False: not this
  // one.
  bool take_role(const wl_interface* kind, role* object);
  void leave_role();
  role* current_role() const { return role_; }

  void attach(wl_resource* buffer);
  void damage(int32_t x, int32_t y, int32_t width, int32_t height) {
    pending_.damage.add(x, y, width, height);
  }
  void frame(uint32_t id);
  void commit();

  // Levels of subsurfaces in it.
  int height_of_tree() const;
  // Its children and itself, from the bottom.
  void paint(pixman_image_t* target, int x, int y) const;
  // Tells the client that it was painted, where nothing is on its way any more.
  void painted(uint32_t milliseconds);
  // Of subsurfaces, from the bottom; null: the surface itself.
  std::vector<subsurface*>& stack() { return stack_; }
  // The parent's commit came.
  void apply_cached();

 private:
  // One of the two textures: what is shown, and what the next upload goes to.
  struct side {
    std::unique_ptr<texture> pixels;
    region stale;
  };

  void apply(surface_state& state);
  void drop_content();
  void start_upload();
  void finish_upload(upload& work);
  void show_uploaded(upload& work);
  bool describe(wl_resource* buffer, layout* out) const;
  void damage_output(const region& area) const;

  server& server_;
  wl_client* const client_;
  std::list<surface*>::iterator place_;
  wl_resource* resource_ = nullptr;
  const wl_interface* role_kind_ = nullptr;
  role* role_ = nullptr;
  std::vector<subsurface*> stack_{nullptr};
  surface_state pending_, cached_, current_;
  resource_reference next_;
  side front_, back_;
  upload* current_upload_ = nullptr;
  // It is of content that was taken away meanwhile.
  bool unwanted_ = false;
};

}  // namespace compositor
