// SPDX-License-Identifier: MIT
//
// What shows a buffer: a window, and the surface below it and below the other roles.
#pragma once

#include "buffer.h"
#include "client.h"

namespace weston_test {

class surface {
 public:
  explicit surface(client& connection)
      : client_(connection), surface_(wl_compositor_create_surface(connection.compositor())) {}

  wl_surface* get() const { return surface_.get(); }
  // Null: nothing new, the server looks at what it has.
  void commit(wl_buffer* content);
  // Commits, and waits until the server has painted: it may have had reason to read all of it then.
  void show(wl_buffer* content, int times = 1);

 private:
  client& client_;
  owned<wl_surface> surface_;
};

class window : public surface {
 public:
  enum class size { own, output };

  explicit window(client& connection, size wanted = size::own);

 private:
  owned<xdg_surface> role_;
  owned<xdg_toplevel> toplevel_;
};

// All that is on the screen, into a buffer of its size.
void take_screenshot(client& connection, wl_buffer* into);

}  // namespace weston_test
