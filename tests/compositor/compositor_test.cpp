// SPDX-License-Identifier: MIT
//
// The example of a compositor, four clients at once, its uploader at work, in two builds: with views of
// <nosigbus/wayland.h> no attack kills it; with libwayland's brackets some do.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "doctest/doctest.h"
#include "weston/attacks.h"
#include "weston/screen.h"
#include "weston/server.h"

namespace {

using namespace weston_test;

std::vector<std::string> command(const char* build) {
  return {build, "--socket", getenv("WAYLAND_DISPLAY"), "--size", "640x480"};
}

std::vector<attack> all_attacks() {
  std::vector<attack> result;
  for_each_attack([&](const attack& each) { result.push_back(each); });
  return result;
}

const attack& find(const std::vector<attack>& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const attack& each) { return each.name == name; });
}

bool is_one_of(const attack& which, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* each) { return std::string(each) == which.name; });
}

// Of these nothing that is missing is read: what is uncovered is in a texture, the upload of a buffer that is
// destroyed may be over or not have begun, a file that has grown back in time is whole, and views do not
// move.
bool may_stay(const attack& which) {
  return is_one_of(which, {"truncate_and_uncover", "destroy_in_use", "grow_back_unseen", "stale_pool"});
}

struct row {
  attack played;
  result came_of_it;
};

void print(const char* build, const std::vector<row>& rows) {
  printf("\n%s, and in each row two attackers, a neighbour that fills the screen, and one with a window\n",
         build);
  for (const auto& [played, came_of_it] : rows) {
    printf("  %-30s %-20s %-36s %s\n", played.name, came_of_it.died() ? came_of_it.server.c_str() : "alive",
           came_of_it.attacker.c_str(), came_of_it.neighbour.c_str());
  }
  fflush(stdout);
}

// Each attack in the company of another, which no build dies of. A server that lives serves them all; one
// that dies is replaced.
std::vector<row> play_each(const char* build) {
  const runtime_folder folder;
  const auto all = all_attacks();
  const attack& company = find(all, "subsurface");
  std::vector<row> rows;
  std::optional<server> current;
  for (const attack& each : all) {
    if (!current) current.emplace(folder, command(build), 1);
    rows.push_back({each, current->play(each, {&company})});
    const result& last = rows.back().came_of_it;
    if (last.died() || !last.neighbour_intact()) current.reset();
  }
  return rows;
}

void check_survived(const row& which) {
  const attack& played = which.played;
  const result& came_of_it = which.came_of_it;
  CAPTURE(played.name);
  CAPTURE(came_of_it.attacker);
  CHECK_EQ(came_of_it.server, "");
  CHECK_EQ(came_of_it.neighbour, "intact");
  CHECK(came_of_it.company.front().starts_with("disconnected"));
  if (played.kind == nature::harmless) CHECK(came_of_it.attacker_is("stayed"));
  if (may_stay(played)) return;
  if (played.kind != nature::harmless) {
    CHECK((came_of_it.attacker_is("disconnected") || came_of_it.attacker_is("skipped")));
  }
  CHECK(came_of_it.attacker.find(pixels_lost) == std::string::npos);
}

struct at_start {
  at_start() { signal(SIGPIPE, SIG_IGN); }
} const g_start;

}  // namespace

TEST_CASE("with views no attack kills the compositor and every attacker is disconnected") {
  const auto rows = play_each(COMPOSITOR_WITH_VIEWS);
  print("with views", rows);
  for (const row& each : rows) check_survived(each);
}

TEST_CASE("with brackets the same attacks kill the compositor where its pool is no longer what it was") {
  const auto rows = play_each(COMPOSITOR_WITH_BRACKETS);
  print("with libwayland's brackets", rows);
  for (const row& each : rows) {
    const attack& played = each.played;
    const result& came_of_it = each.came_of_it;
    CAPTURE(played.name);
    // Sealed once is taken for sealed for ever; huge pages cannot be replaced by a length that is not theirs.
    const bool kills = is_one_of(played, {"resize_beyond_sealed", "capture_beyond_sealed", "huge_pages_odd"});
    if (kills && !came_of_it.attacker_is("skipped")) CHECK_EQ(came_of_it.server, "killed by signal 7");
    // So what kills is the attack.
    if (played.kind == nature::harmless || is_one_of(played, {"subsurface"})) {
      CHECK_EQ(came_of_it.server, "");
      CHECK_EQ(came_of_it.neighbour, "intact");
    }
  }
}

TEST_CASE("with views three different attacks at once kill nobody") {
  const runtime_folder folder;
  const auto all = all_attacks();
  server current(folder, command(COMPOSITOR_WITH_VIEWS));
  for (size_t i = 0; i < all.size(); ++i) {
    const attack &first = all[i], &second = all[(i + all.size() / 3) % all.size()],
                 &third = all[(i + 2 * all.size() / 3) % all.size()];
    const result came_of_it = current.play(first, {&second, &third});
    CAPTURE(first.name);
    CAPTURE(second.name);
    CAPTURE(third.name);
    REQUIRE_EQ(came_of_it.server, "");
    REQUIRE_EQ(came_of_it.neighbour, "intact");
  }
}

TEST_CASE("a tolerant compositor lets attackers stay and lives") {
  const runtime_folder folder;
  const auto all = all_attacks();
  auto tolerant = command(COMPOSITOR_WITH_VIEWS);
  tolerant.emplace_back("--tolerant");
  server current(folder, tolerant, 1);
  for (const char* const name :
       {"truncate_before_commit", "truncate_to_middle", "race", "grow_back", "sparse_on_full_filesystem",
        "destroy_in_use", "resize_beyond_sealed", "capture_into_half"}) {
    const result came_of_it = current.play(find(all, name), {&find(all, "subsurface")});
    CAPTURE(name);
    CAPTURE(came_of_it.attacker);
    REQUIRE_EQ(came_of_it.server, "");
    CHECK_EQ(came_of_it.neighbour, "intact");
    CHECK((came_of_it.attacker_is("stayed") || came_of_it.attacker_is("skipped")));
    CHECK(came_of_it.company.front().starts_with("stayed"));
  }
}

TEST_CASE("who asks for any number of screenshots keeps nobody waiting") {
  const runtime_folder folder;
  server current(folder, command(COMPOSITOR_WITH_VIEWS));
  client greedy, honest;
  const pool memory(greedy, file::anonymous(640 * 480 * bytes_per_pixel), 640 * 480 * bytes_per_pixel);
  const buffer into = memory.make_buffer(640, 480);
  const auto ask = [&] {
    for (int i = 0; i < 10000; ++i) {
      weston_screenshooter_take_shot(greedy.screenshooter(), greedy.output(), into.get());
    }
    greedy.roundtrip();
  };
  CHECK_THROWS_AS(ask(), disconnected);
  screen view(honest);
  CHECK_NOTHROW(view.capture());
}

TEST_CASE("what is put beyond all numbers is not seen") {
  const runtime_folder folder;
  server current(folder, command(COMPOSITOR_WITH_VIEWS));
  client connection;
  const int side = 64, size = side * side * bytes_per_pixel;
  const auto filled = [&](uint32_t colour) {
    const file memory = file::anonymous(size);
    memory.fill(size, colour);
    return pool(connection, memory, size).make_buffer(side, side);
  };
  const buffer seen = filled(0), unseen = filled(attack_colour);
  for (const int32_t at : {INT32_MIN, INT32_MAX}) {
    CAPTURE(at);
    window parent(connection);
    surface child(connection), grandchild(connection);
    const auto put = [&](const surface& one, const surface& into) {
      owned<wl_subsurface> role(
          wl_subcompositor_get_subsurface(connection.subcompositor(), one.get(), into.get()));
      wl_subsurface_set_position(role.get(), at, at);
      return role;
    };
    const auto outer = put(child, parent), inner = put(grandchild, child);
    for (surface* const each : {&grandchild, &child}) each->commit(unseen.get());
    parent.show(seen.get(), 3);
    screen view(connection);
    view.capture();
    CHECK_EQ(view.count(attack_colour), 0);
  }
}

TEST_CASE("weston-simple-shm draws in both builds") {
  if (system("command -v weston-simple-shm >/dev/null") != 0) {
    MESSAGE("no weston-simple-shm: package weston");
    return;
  }
  for (const char* const build : {COMPOSITOR_WITH_VIEWS, COMPOSITOR_WITH_BRACKETS}) {
    CAPTURE(build);
    const runtime_folder folder;
    server current(folder, command(build));
    const test::process drawing({"weston-simple-shm"});
    client connection;
    screen view(connection);
    // It is 250 pixels wide and high, and what it draws in the middle never stays.
    const auto pixels = [&] {
      view.capture();
      std::vector<uint32_t> result;
      for (int y = view.height() - 250; y < view.height(); ++y) {
        for (int x = 0; x < 250; ++x) result.push_back(view.pixel(x, y));
      }
      return result;
    };
    const auto neighbours = [&] {
      std::vector<uint32_t> result;
      for (int y = view.height() - 250; y < view.height(); ++y) {
        for (int x = 0; x < 250; ++x) result.push_back(pattern(x, y));
      }
      return result;
    }();
    std::vector<uint32_t> before = pixels();
    for (int i = 0; i < 1000 && before == neighbours; ++i, usleep(10000)) before = pixels();
    REQUIRE(before != neighbours);
    std::vector<uint32_t> after = pixels();
    for (int i = 0; i < 1000 && after == before; ++i, usleep(10000)) after = pixels();
    CHECK(after != before);
  }
}
