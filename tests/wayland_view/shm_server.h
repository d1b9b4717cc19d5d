// SPDX-License-Identifier: MIT
//
// A display server that has wl_shm and nothing else, in this process and on this thread. For code in
// children.
#pragma once

#include <wayland-server-core.h>

#include <vector>

namespace test {

class shm_client;

class shm_server {
 public:
  shm_server();
  ~shm_server();
  shm_server(const shm_server&) = delete;
  shm_server& operator=(const shm_server&) = delete;

  wl_display* display() const { return display_; }
  // Both sides get what the other has to say, until neither has any more.
  void exchange();
  // The server alone, for as long as it takes: false when it takes too long.
  template <class Condition>
  bool run_until(Condition condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      wl_event_loop_dispatch(wl_display_get_event_loop(display_), 10);
      wl_display_flush_clients(display_);
    }
    return false;
  }
  // The clients first, as libwayland wants it.
  void end();

 private:
  friend shm_client;
  wl_display* display_;
  std::vector<shm_client*> clients_;
};

}  // namespace test
