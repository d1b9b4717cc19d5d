// SPDX-License-Identifier: MIT
//
// libwayland's objects, from C++: who implements one, and who wants to know of its end.
#pragma once

#include <wayland-server-core.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <utility>

namespace compositor {

// What a client asks for, where it takes memory: clients can bring a server into a state in which it gets
// none (they need no more than mappings, of which there are 65530). No exception gets into libwayland.
template <class F>
void serve(wl_client* client, F work) noexcept {
  try {
    work();
  } catch (const std::bad_alloc&) {
    wl_client_post_no_memory(client);
  }
}

// A new object of a client's; `self` implements it, and is deleted with it. Null: no memory, which the client
// has been told.
template <class T>
wl_resource* make_resource(wl_client* client, const wl_interface* type, uint32_t version, uint32_t id,
                           const void* requests, std::unique_ptr<T> self) {
  wl_resource* const made = wl_resource_create(client, type, static_cast<int>(version), id);
  if (made == nullptr) {
    wl_client_post_no_memory(client);
    return nullptr;
  }
  wl_resource_set_implementation(made, requests, self.release(), [](wl_resource* resource) {
    delete static_cast<T*>(wl_resource_get_user_data(resource));
  });
  return made;
}

// One that nobody needs to know of, with `data` that belongs to somebody else.
inline wl_resource* make_plain_resource(wl_client* client, const wl_interface* type, uint32_t version,
                                        uint32_t id, const void* requests, void* data,
                                        wl_resource_destroy_func_t destroyed = nullptr) {
  wl_resource* const made = wl_resource_create(client, type, static_cast<int>(version), id);
  if (made == nullptr) {
    wl_client_post_no_memory(client);
  } else {
    wl_resource_set_implementation(made, requests, data, destroyed);
  }
  return made;
}

template <class T>
T& implementation_of(wl_resource* resource) {
  return *static_cast<T*>(wl_resource_get_user_data(resource));
}

// The request that destroys its object, of every interface.
inline void destroy_request(wl_client*, wl_resource* resource) { wl_resource_destroy(resource); }

// Points to an object until that is destroyed, and calls `destroyed` then.
class resource_reference {
 public:
  explicit resource_reference(std::function<void()> destroyed = {}) : destroyed_(std::move(destroyed)) {
    hook_.listener.notify = on_destroy;
    hook_.self = this;
  }
  resource_reference(const resource_reference&) = delete;
  resource_reference& operator=(const resource_reference&) = delete;
  ~resource_reference() { reset(nullptr); }

  wl_resource* get() const { return resource_; }
  void reset(wl_resource* resource) {
    if (resource_ != nullptr) wl_list_remove(&hook_.listener.link);
    resource_ = resource;
    if (resource != nullptr) wl_resource_add_destroy_listener(resource, &hook_.listener);
  }

 private:
  struct hook {
    wl_listener listener;
    resource_reference* self;
  };
  static void on_destroy(wl_listener* listener, void*) {
    resource_reference* const self = reinterpret_cast<hook*>(listener)->self;
    wl_list_remove(&listener->link);
    self->resource_ = nullptr;
    if (self->destroyed_) self->destroyed_();
  }

  hook hook_{};
  wl_resource* resource_ = nullptr;
  const std::function<void()> destroyed_;
};

}  // namespace compositor
