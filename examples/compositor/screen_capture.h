// SPDX-License-Identifier: MIT
//
// weston_screenshooter: the output's pixels, written to a client's memory.
#pragma once

#include <wayland-server-core.h>

#include <list>

#include "resource.h"

namespace compositor {

class server;

class screen_capture {
 public:
  explicit screen_capture(server& owner) : server_(owner) {}

  // False: no memory.
  bool offer();
  void request(wl_client* client, wl_resource* shooter, wl_resource* buffer);
  // Those that were asked for, after something has been painted; some of them, where they are many.
  void take();

 private:
  // Either may have been destroyed meanwhile.
  struct shot {
    resource_reference shooter, buffer;
  };
  void write(wl_resource* buffer) const;

  server& server_;
  std::list<shot> wanted_;
};

}  // namespace compositor
