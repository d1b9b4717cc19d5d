// SPDX-License-Identifier: MIT
//
// Where else than in a window a server reads a buffer, and where it writes one.
#include <fcntl.h>
#include <sys/mman.h>

#include "attacks.h"
#include "pointer.h"
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

// A window over the whole screen, with the pointer in it, and a surface that has yet to become something.
struct pointed_at {
  explicit pointed_at(client& connection)
      : where(connection),
        below(full_buffer(connection)),
        memory(file::anonymous(attack_size)),
        content(pool(connection, memory, attack_size).make_buffer(attack_width, attack_height)),
        shown(connection, window::size::output),
        image(connection) {
    shown.show(below.get());
  }
  // After the surface has become it.
  void cut_off() {
    image.commit(content.get());
    shown.show(below.get());
    memory.truncate(4096);
    image.commit(content.get());
    shown.show(below.get(), repaints);
  }

  pointer where;
  buffer below;
  const file memory;
  buffer content;
  window shown;
  surface image;

 private:
  static buffer full_buffer(client& connection) {
    const int width = connection.output_width(), height = connection.output_height();
    const int32_t size = width * height * bytes_per_pixel;
    return pool(connection, file::anonymous(size), size).make_buffer(width, height);
  }
};

const char* cursor(client& connection) {
  pointed_at all(connection);
  all.where.set_cursor(all.image.get());
  all.cut_off();
  return "";
}

const char* drag_icon(client& connection) {
  pointed_at all(connection);
  all.where.set_cursor(nullptr);
  all.where.drag(all.shown.get(), all.image.get());
  all.cut_off();
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
    {"cursor", cursor, nature::takes_screen},
    {"drag_icon", drag_icon, nature::takes_screen},
    {"capture_into_truncated", capture_into_truncated<0>},
    {"capture_into_half", capture_into_truncated<2>},
    {"capture_beyond_sealed", capture_beyond_sealed},
};

}  // namespace

std::span<const attack> surface_roles() { return all; }

}  // namespace weston_test
