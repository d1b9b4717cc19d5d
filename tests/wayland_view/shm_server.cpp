// SPDX-License-Identifier: MIT
#include "shm_server.h"

#include <poll.h>

#include "shm_client.h"
#include "support/child.h"

namespace test {

namespace {

void say_nothing(const char*, va_list) {}

}  // namespace

shm_server::shm_server() : display_(wl_display_create()) {
  CHILD_CHECK(display_ != nullptr && wl_display_init_shm(display_) == 0);
  wl_log_set_handler_server(say_nothing);
}

shm_server::~shm_server() { end(); }

void shm_server::exchange() {
  if (display_ == nullptr) return;
  wl_event_loop* const loop = wl_display_get_event_loop(display_);
  constexpr int least = 3;    // a request, what the server makes of it, and what the client makes of that
  constexpr int most = 1024;  // what comes with a descriptor comes alone
  pollfd more{wl_event_loop_get_fd(loop), POLLIN, 0};
  for (int i = 0; i < least || (i < most && poll(&more, 1, 0) == 1); ++i) {
    for (const shm_client* client : clients_) client->send();
    wl_event_loop_dispatch(loop, 0);
    wl_display_flush_clients(display_);
    for (const shm_client* client : clients_) client->receive();
  }
}

void shm_server::end() {
  if (display_ == nullptr) return;
  wl_display_destroy_clients(display_);
  wl_display_destroy(display_);
  display_ = nullptr;
}

}  // namespace test
