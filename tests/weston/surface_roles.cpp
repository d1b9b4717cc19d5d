// SPDX-License-Identifier: MIT
//
// Where else than in a window a server reads a buffer, and where it writes one.
#include <fcntl.h>
#include <sys/mman.h>

#include "attacks.h"
#include "surface.h"

namespace weston_test {

namespace {

constexpr int repaints = 3;

const char* subsurface(client& connection) {
  const file good = file::anonymous(attack_size), bad = file::anonymous(attack_size);
  const buffer below = pool(connection, good, attack_size).make_buffer(attack_width, attack_height);
  const buffer content = pool(connection, bad, attack_size).make_buffer(attack_width, attack_height);
  window parent(connection);
  surface child(connection);
  const owned<wl_subsurface> role(
      wl_subcompositor_get_subsurface(connection.subcompositor(), child.get(), parent.get()));
  child.commit(content.get());
  parent.show(below.get());
  bad.truncate(4096);
  child.commit(content.get());
  parent.show(below.get(), repaints);
  return "";
}

struct capture_target {
  explicit capture_target(client& connection, int seals = 0)
      : width(connection.output_width()),
        height(connection.output_height()),
        size(width * height * bytes_per_pixel),
        memory(file::anonymous(size)) {
    if (seals != 0) memory.seal(seals);
  }

  const int width, height;
  const int32_t size;
  const file memory;
};

template <int Divisor>
const char* capture_into_truncated(client& connection) {
  const capture_target target(connection);
  const pool mapped(connection, target.memory, target.size);
  const buffer content = mapped.make_buffer(target.width, target.height);
  take_screenshot(connection, content.get());
  target.memory.truncate(Divisor == 0 ? 0 : target.size / Divisor + 1);
  take_screenshot(connection, content.get());
  take_screenshot(connection, content.get());
  return "";
}

const char* capture_beyond_sealed(client& connection) {
  const capture_target target(connection, F_SEAL_SHRINK);
  const pool mapped(connection, target.memory, target.size);
  mapped.resize(2 * target.size);
  const buffer content = mapped.make_buffer(target.width, target.height, target.size);
  take_screenshot(connection, content.get());
  return "";
}

constexpr attack all[] = {
    {"subsurface", subsurface},
    {"capture_into_truncated", capture_into_truncated<0>},
    {"capture_into_half", capture_into_truncated<2>},
    {"capture_beyond_sealed", capture_beyond_sealed},
};

}  // namespace

std::span<const attack> surface_roles() { return all; }

}  // namespace weston_test
