// SPDX-License-Identifier: MIT
//
// wl_data_device_manager, as far as there is something to be seen of it: the icon that is dragged. There is
// nobody to drop it on, and no clipboard.
#include <wayland-server-protocol.h>

#include "seat.h"
#include "server.h"

namespace compositor {

namespace {

constexpr uint32_t version_offered = 1;

void start_drag(wl_client*, wl_resource* self, wl_resource* source, wl_resource*, wl_resource* icon,
                uint32_t serial) {
  surface* const shown = icon != nullptr ? &implementation_of<surface>(icon) : nullptr;
  if (implementation_of<server>(self).pointers.start_drag(serial, source, shown)) return;
  wl_resource_post_error(self, WL_DATA_DEVICE_ERROR_ROLE, "the icon has a role already");
}

constexpr struct wl_data_source_interface source_requests = {
    .offer = [](wl_client*, wl_resource*, const char*) {},
    .destroy = destroy_request,
    .set_actions = nullptr,
};

constexpr struct wl_data_device_interface device_requests = {
    .start_drag = start_drag,
    .set_selection = [](wl_client*, wl_resource*, wl_resource*, uint32_t) {},
    .release = destroy_request,
};

constexpr struct wl_data_device_manager_interface requests = {
    .create_data_source =
        [](wl_client* client, wl_resource*, uint32_t id) {
          make_plain_resource(client, &wl_data_source_interface, version_offered, id, &source_requests,
                              nullptr);
        },
    .get_data_device =
        [](wl_client* client, wl_resource* self, uint32_t id, wl_resource*) {
          make_plain_resource(client, &wl_data_device_interface, version_offered, id, &device_requests,
                              &implementation_of<server>(self));
        },
};

}  // namespace

bool offer_drag(server& owner) {
  const auto bind = [](wl_client* client, void* data, uint32_t version, uint32_t id) {
    make_plain_resource(client, &wl_data_device_manager_interface, version, id, &requests, data);
  };
  return wl_global_create(owner.display, &wl_data_device_manager_interface, version_offered, &owner, bind) !=
         nullptr;
}

}  // namespace compositor
