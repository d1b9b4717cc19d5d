// SPDX-License-Identifier: MIT
//
// Files that become shorter, and longer, at bad moments.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "attacks.h"
#include "screen.h"
#include "surface.h"

namespace weston_test {

namespace {

constexpr int repaints = 3;

// One window whose buffer is all of a file.
struct scene {
  explicit scene(client& connection)
      : memory(file::anonymous(attack_size)),
        mapped(connection, memory, attack_size),
        content(mapped.make_buffer(attack_width, attack_height)),
        shown(connection) {
    memory.fill(attack_size, attack_colour);
  }

  const file memory;
  const pool mapped;
  buffer content;
  window shown;
};

const char* honest(client& connection) {
  scene all(connection);
  all.shown.show(all.content.get(), repaints);
  screen view(connection);
  view.capture();
  return view.count(attack_colour) == attack_width * attack_height ? pixels_back : pixels_lost;
}

const char* truncate_before_commit(client& connection) {
  scene all(connection);
  connection.roundtrip();
  all.memory.truncate(0);
  all.shown.show(all.content.get(), repaints);
  return "";
}

// Truncates to Size what is on the screen, and has it read again, with and without a new commit of it.
template <int32_t Size>
const char* truncate_after_commit(client& connection) {
  scene all(connection);
  all.shown.show(all.content.get());
  all.memory.truncate(Size);
  all.shown.show(nullptr, repaints);
  all.shown.show(all.content.get(), repaints);
  return "";
}

// The server reads for a reason of its own: something is gone that was in front of it.
const char* truncate_and_uncover(client& connection) {
  const file good = file::anonymous(attack_size);
  const buffer cover = pool(connection, good, attack_size).make_buffer(attack_width, attack_height);
  scene all(connection);
  surface above(connection);
  owned<wl_subsurface> role(
      wl_subcompositor_get_subsurface(connection.subcompositor(), above.get(), all.shown.get()));
  above.commit(cover.get());
  all.shown.show(all.content.get());
  all.memory.truncate(0);
  role.reset();
  screen(connection).capture();
  return "";
}

const char* short_from_the_start(client& connection) {
  const file memory = file::anonymous(4096);
  const pool mapped(connection, memory, attack_size);
  const buffer content = mapped.make_buffer(attack_width, attack_height);
  window(connection).show(content.get(), repaints);
  return "";
}

// The same file in two pools, on two windows at once.
const char* truncate_two_pools(client& connection) {
  scene first(connection);
  const pool second(connection, first.memory, attack_size);
  const buffer content = second.make_buffer(attack_width, attack_height);
  surface above(connection);
  const owned<wl_subsurface> role(
      wl_subcompositor_get_subsurface(connection.subcompositor(), above.get(), first.shown.get()));
  wl_subsurface_set_desync(role.get());
  above.commit(content.get());
  first.shown.show(first.content.get());
  first.memory.truncate(4096);
  above.commit(content.get());
  first.shown.show(first.content.get(), repaints);
  return "";
}

// The file changes while the server reads it, until the server has enough of that.
const char* race(client& connection) {
  scene all(connection);
  std::atomic<bool> stop{false};
  std::jthread cutter([&] {
    // Lone flag, orders nothing.
    while (!stop.load(std::memory_order_relaxed)) {
      all.memory.truncate(0);
      all.memory.truncate(attack_size);
    }
  });
  struct stop_at_end {
    std::atomic<bool>& stop;
    ~stop_at_end() { stop.store(true, std::memory_order_relaxed); }
  } const stopper{stop};
  all.shown.show(all.content.get(), 60);
  return "";
}

const char* grow_back_after(client& connection, bool seen) {
  scene all(connection);
  all.shown.show(all.content.get());
  all.memory.truncate(0);
  if (seen) all.shown.show(all.content.get());
  connection.roundtrip();
  all.memory.truncate(attack_size);
  all.memory.fill(attack_size, attack_colour);
  all.shown.show(all.content.get(), repaints);
  screen view(connection);
  view.capture();
  return view.count(attack_colour) == attack_width * attack_height ? pixels_back : pixels_lost;
}
const char* grow_back(client& connection) { return grow_back_after(connection, true); }
// Not wrong of a client, if nobody reads meanwhile. A server that paints for reasons of its own may.
const char* grow_back_unseen(client& connection) { return grow_back_after(connection, false); }

const char* destroy_in_use(client& connection) {
  scene all(connection);
  all.shown.show(all.content.get());
  all.memory.truncate(0);
  all.shown.commit(all.content.get());
  all.content.reset();
  all.shown.show(nullptr, repaints);
  screen(connection).capture();
  return "";
}

constexpr attack all[] = {
    {"honest", honest, nature::harmless},
    {"truncate_before_commit", truncate_before_commit},
    {"truncate_after_commit", truncate_after_commit<0>},
    {"truncate_to_middle", truncate_after_commit<attack_size / 2>},
    {"truncate_unaligned", truncate_after_commit<12345>},
    {"truncate_and_uncover", truncate_and_uncover},
    {"truncate_two_pools", truncate_two_pools},
    {"short_from_the_start", short_from_the_start},
    {"race", race},
    {"grow_back", grow_back},
    {"grow_back_unseen", grow_back_unseen},
    {"destroy_in_use", destroy_in_use},
};

}  // namespace

std::span<const attack> truncations() { return all; }

}  // namespace weston_test
