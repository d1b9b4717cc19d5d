// SPDX-License-Identifier: MIT
//
// What clients do to their memory, and when, against who reads it how: nobody dies, what is left of the file
// is seen and zeros behind it, the guilty client is disconnected and its neighbour keeps its pixels.
#include <doctest/doctest.h>
#include <linux/falloc.h>
#include <nosigbus/runtime.h>

#include <optional>
#include <thread>

#include "canvas.h"
#include "shm_server.h"
#include "support/sampling.h"

using namespace test;

namespace {

enum class attack { none, to_nothing, to_a_page, to_within_a_page, hole_without_room, pool_beyond_file };
// What goes between the view's beginning and its being read.
enum class departure { nothing, of_buffers, of_pools, of_both, of_client, of_display };
constexpr departure departures[] = {departure::nothing, departure::of_buffers, departure::of_pools,
                                    departure::of_both, departure::of_client,  departure::of_display};
enum class reader { here, threads, capture };
constexpr reader readers[] = {reader::here, reader::threads, reader::capture};

struct layout {
  size_t buffers;
  bool one_pool;
};
constexpr layout layouts[] = {{2, true}, {64, true}, {2, false}, {64, false}};

struct scenario {
  attack what;
  departure gone;
  bool sealed, before_view;
  reader how;
  layout at;

  bool possible() const {
    // Only memfds have seals, and only what is mounted is ever full.
    if (sealed && what == attack::hole_without_room) return false;
    return !before_view || gone == departure::nothing;
  }
};

struct party {
  std::vector<canvas> canvases;
  std::vector<int> files;
  size_t file_size;
};

// As many files as pools. beyond: the pools are twice as long as their files, and the buffers lie across the
// end.
party draw(const shm_client& client, layout at, bool beyond, const small_filesystem* place) {
  party drawn;
  const size_t in_each = at.one_pool ? at.buffers : 1, files = at.buffers / in_each;
  drawn.file_size = lead + in_each * buffer_size;
  for (size_t i = 0; i < files; ++i) {
    const int fd = drawn_file(drawn.file_size, place);
    wl_shm_pool* const pool = client.create_pool(fd, drawn.file_size);
    if (beyond) wl_shm_pool_resize(pool, static_cast<int32_t>(2 * drawn.file_size));
    drawn.files.push_back(fd);
    for (size_t k = 0; k < in_each; ++k) {
      const size_t offset = (beyond ? drawn.file_size / 2 : lead) + k * buffer_size;
      wl_buffer* const buffer = shm_client::create_buffer(pool, offset, width, height, stride);
      drawn.canvases.push_back({pool, fd, offset, buffer});
    }
  }
  return drawn;
}

remains carry_out(attack what, const party& target, small_filesystem* place, bool sealed) {
  const size_t page = page_size(), half = target.file_size / 2 / page * page;
  remains left;
  if (what == attack::to_nothing) left.end = 0;
  if (what == attack::to_a_page) left.end = half;
  if (what == attack::to_within_a_page) left.end = half + 123;
  if (what == attack::pool_beyond_file) left.end = target.file_size;
  if (what == attack::hole_without_room) left = {SIZE_MAX, half, half + page};
  for (const int fd : target.files) {
    if (what == attack::hole_without_room) {
      CHILD_CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(half),
                            static_cast<off_t>(page)) == 0);
    } else if (what != attack::none && what != attack::pool_beyond_file) {
      CHILD_CHECK((ftruncate(fd, static_cast<off_t>(left.end)) == 0) == !sealed);
    }
  }
  if (what == attack::hole_without_room) place->fill();
  return sealed && what != attack::pool_beyond_file ? remains{} : left;
}

void depart(departure what, const party& target, shm_server& server, shm_client& client) {
  const bool both = what == departure::of_both;
  if (both || what == departure::of_buffers) {
    for (const canvas& one : target.canvases) wl_buffer_destroy(one.buffer);
  }
  if (both || what == departure::of_pools) {
    for (size_t i = 0; i < target.canvases.size(); ++i) {
      if (i == 0 || target.canvases[i].pool != target.canvases[i - 1].pool) {
        wl_shm_pool_destroy(target.canvases[i].pool);
      }
    }
  }
  if (what == departure::of_client) client.vanish();
  server.exchange();
  if (what == departure::of_display) server.end();
}

void get_views(party& target, const shm_client& client, unsigned flags) {
  for (canvas& one : target.canvases) one.view = view_of(client, one.buffer, flags);
}

void check_all(const party& target, const remains& left) {
  for (const canvas& one : target.canvases) CHILD_CHECK(shows(one, left));
}

// What was drawn arrives in the file as far as there is one, and nowhere else.
void capture(const party& target, const remains& left) {
  constexpr unsigned char ink = 0xab;
  struct stat before {
  }, after{};
  for (const canvas& one : target.canvases) {
    CHILD_CHECK(fstat(one.fd, &before) == 0);
    volatile unsigned char* const data = static_cast<unsigned char*>(nosigbus_wl_view_data(one.view));
    for (size_t i = 0; i < buffer_size; ++i) data[i] = ink;
    CHILD_CHECK(fstat(one.fd, &after) == 0 && before.st_size == after.st_size);
    CHILD_CHECK(before.st_blocks == after.st_blocks);
    for (size_t i = 0; i < buffer_size; ++i) {
      unsigned char byte = 0;
      if (left.byte(one.offset + i) == 0) continue;
      CHILD_CHECK(pread(one.fd, &byte, 1, static_cast<off_t>(one.offset + i)) == 1 && byte == ink);
    }
  }
}

void look(reader how, const party& target, const remains& left) {
  switch (how) {
    case reader::here:
      return check_all(target, left);
    case reader::threads: {
      std::thread first([&] { check_all(target, left); }), second([&] { check_all(target, left); });
      check_all(target, left);
      first.join();
      return second.join();
    }
    case reader::capture:
      return capture(target, left);
  }
}

bool damaged(const party& target, const remains& left) {
  for (const canvas& one : target.canvases) {
    if (left.damages(one.offset, one.offset + buffer_size)) return true;
  }
  return false;
}

// Where the error is to be seen: on the wl_buffer, or on what there is yet.
std::optional<protocol_error> expected_error(const scenario& s) {
  constexpr uint32_t invalid_fd = WL_SHM_ERROR_INVALID_FD;
  if (s.gone == departure::nothing || s.gone == departure::of_pools)
    return protocol_error{"wl_buffer", invalid_fd};
  return protocol_error{"wl_shm", invalid_fd};
}

void play(const scenario& s) {
  std::optional<small_filesystem> place;
  if (s.what == attack::hole_without_room) place.emplace(1024);
  small_filesystem* const full = place ? &*place : nullptr;
  CHILD_CHECK(nosigbus_install(0) == 0);
  shm_server server;
  CHILD_CHECK(nosigbus_wl_watch(server.display(), nullptr, 0, nullptr) == 0);
  shm_client hostile(server), honest(server);
  party theirs = draw(hostile, s.at, s.what == attack::pool_beyond_file, full);
  party neighbours = draw(honest, {2, true}, false, nullptr);
  server.exchange();
  for (const int fd : theirs.files) {
    if (s.sealed) CHILD_CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
  }
  remains left;
  if (s.before_view) left = carry_out(s.what, theirs, full, s.sealed);
  get_views(theirs, hostile, s.how == reader::capture ? NOSIGBUS_WL_WRITE : 0);
  get_views(neighbours, honest, 0);
  if (!s.before_view) left = carry_out(s.what, theirs, full, s.sealed);
  depart(s.gone, theirs, server, hostile);
  look(s.how, theirs, left);
  look(s.how == reader::threads ? s.how : reader::here, neighbours, {});
  for (const party* all : {&theirs, &neighbours}) {
    for (const canvas& one : all->canvases) nosigbus_wl_view_unref(one.view);
  }
  if (s.gone == departure::of_display) return;
  server.exchange();
  CHILD_CHECK(!honest.error());
  check_all(neighbours, {});  // its buffers have a reference of their own
  if (s.gone == departure::of_client) return;
  const auto expected = damaged(theirs, left) ? expected_error(s) : std::nullopt;
  if (hostile.error() != expected) {
    const auto found = hostile.error().value_or(protocol_error{"none", 0});
    dprintf(2, "error on %s, code %u\n", found.interface.c_str(), found.code);
    CHILD_CHECK(hostile.error() == expected);
  }
}

void play_all(attack what) {
  if (what == attack::hole_without_room && !file_systems_can_be_mounted()) return;
  size_t number = 0;
  for (const departure gone : departures) {
    for (const reader how : readers) {
      for (const layout at : layouts) {
        for (int variant = 0; variant < 4; ++variant) {
          const scenario s{what, gone, (variant & 1) != 0, (variant & 2) != 0, how, at};
          if (!s.possible() || number++ % sampling() != 0) continue;
          CAPTURE(static_cast<int>(gone));
          CAPTURE(static_cast<int>(how));
          CAPTURE(at.buffers);
          CAPTURE(at.one_pool);
          CAPTURE(s.sealed);
          CAPTURE(s.before_view);
          const outcome result = in_child([&s] {
            play(s);
            return 0;
          });
          CHECK(result == exited(0));
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("without an attack everything is there") { play_all(attack::none); }
TEST_CASE("a file that is cut off to nothing") { play_all(attack::to_nothing); }
TEST_CASE("a file that is cut off at a page") { play_all(attack::to_a_page); }
TEST_CASE("a file that is cut off within a page") { play_all(attack::to_within_a_page); }
TEST_CASE("a hole in a file on a full file system") { play_all(attack::hole_without_room); }
TEST_CASE("a pool that is longer than its file") { play_all(attack::pool_beyond_file); }
