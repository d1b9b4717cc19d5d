// SPDX-License-Identifier: MIT
//
// Listening to what regions tell. For code in children.
#pragma once

#include <fcntl.h>
#include <nosigbus/events.h>
#include <poll.h>

#include <vector>

#include "region_fixture.h"

namespace test {

inline bool readable(int fd, int milliseconds = 0) {
  pollfd what{fd, POLLIN, 0};
  return poll(&what, 1, milliseconds) == 1;
}

inline std::vector<nosigbus::event> dispatch_all() {
  std::vector<nosigbus::event> events;
  const int delivered = nosigbus::dispatch([&](const nosigbus::event& event) { events.push_back(event); });
  CHILD_CHECK(delivered == static_cast<int>(events.size()));
  return events;
}

inline int listen() {
  const int fd = nosigbus::event_fd();
  CHILD_CHECK(fd >= 0);
  CHILD_CHECK(nosigbus::event_fd() == fd);
  CHILD_CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  return fd;
}

inline nosigbus::region without_watch(const shared_file& file, size_t length) {
  return make_region(origin::adopted_without_fd, file, length);
}

}  // namespace test
