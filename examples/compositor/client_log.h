// SPDX-License-Identifier: MIT
//
// Says on standard error who comes, who goes, and who is thrown out, for what.
#pragma once

#include <wayland-server-core.h>

namespace compositor {

class client_log {
 public:
  explicit client_log(wl_display* display);
  client_log(const client_log&) = delete;
  client_log& operator=(const client_log&) = delete;
  ~client_log();

 private:
  wl_protocol_logger* const logger_;
  struct arrivals {
    wl_listener listener;
  } arrivals_{};
};

}  // namespace compositor
