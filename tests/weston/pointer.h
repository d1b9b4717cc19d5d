// SPDX-License-Identifier: MIT
//
// The pointer of a server that has one (seat.c), and the two surfaces that follow it.
#pragma once

#include <optional>

#include "client.h"

namespace weston_test {

class pointer {
 public:
  // Throws impossible.
  explicit pointer(client& connection);
  pointer(const pointer&) = delete;
  pointer& operator=(const pointer&) = delete;

  // Waits until it is over a window of ours; null hides it there.
  void set_cursor(wl_surface* image);
  // Presses the button and drags something, with `icon` below the pointer until it is released.
  void drag(wl_surface* from, wl_surface* icon);

 private:
  static const wl_pointer_listener events;

  client& client_;
  owned<wl_pointer> pointer_;
  owned<wl_data_source> source_;
  owned<wl_data_device> device_;
  std::optional<uint32_t> entered_, pressed_;
};

}  // namespace weston_test
