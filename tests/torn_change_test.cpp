// SPDX-License-Identifier: MIT
//
// What a child of fork finds where another thread was changing a region: a change that was begun and never
// ended.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <src/shared/region_lock.h>
#include <src/shared/registry.h>

#include "support/no_qemu.h"
#include "support/region_fixture.h"

using namespace test;
using nosigbus::interval;

namespace {

const size_t page = page_size();

nosigbus::region_descriptor& descriptor_of(const nosigbus::region& region) {
  return *nosigbus::registry::find(reinterpret_cast<uintptr_t>(region.data()));
}

// Begins a change, does `part_of_it`, and vanishes.
template <class Part>
void tear(const nosigbus::region& region, interval intended, Part part_of_it) {
  nosigbus::region_descriptor& descriptor = descriptor_of(region);
  const nosigbus::scoped_signal_block no_signals;
  nosigbus::region_lock lock(descriptor, no_signals);
  lock.begin_change(intended);
  part_of_it(descriptor);
}

nosigbus_cause cause_of_read(const nosigbus::region& region, size_t offset) {
  unsigned char byte = 1;
  CHILD_CHECK(nosigbus_safe_read(&byte, static_cast<unsigned char*>(region.data()) + offset, 1) == 1);
  return nosigbus_last_fault()->cause;
}

// An overlay that was about to be made of the pages from the second on; torn as `part_of_it` says.
template <class Part>
void torn_overlay(Part part_of_it) {
  CHECK(in_child([&] {
          enter_by(entry::installed);
          shared_file file(4 * page);
          file.draw();
          nosigbus::region region = make_region(origin::mapped, file, 4 * page);
          tear(region, {page, 4 * page, NOSIGBUS_EOF}, part_of_it);
          const auto status = region.status();
          CHILD_CHECK(status.overlaid);
          CHILD_CHECK(status.generation % 2 == 1);
          file.resize(page);
          CHILD_CHECK(peek(region, 2 * page) == 0);
          CHILD_CHECK(cause_of_read(region, 2 * page) == NOSIGBUS_EOF);
          CHILD_CHECK(cause_of_read(region, 0) == NOSIGBUS_NONE);
          file.resize(4 * page);
          file.draw();
          CHILD_CHECK(region.refresh() == 1);
          CHILD_CHECK(region.status().generation % 2 == 0);
          CHILD_CHECK(is_pattern(region, 0, 4 * page));
          CHILD_CHECK(cause_of_read(region, 2 * page) == NOSIGBUS_NONE);
          return 0;
        }) == exited(0));
}

}  // namespace

TEST_CASE("an overlay that nobody has announced yet is announced" NO_QEMU("no page can be asked about")) {
  torn_overlay([](nosigbus::region_descriptor&) {});
}

TEST_CASE("an overlay that was announced stays so" NO_QEMU("no page can be asked about")) {
  torn_overlay([](nosigbus::region_descriptor& region) { nosigbus::overlay_begins(region); });
}

TEST_CASE("an overlay that failed, and was called off, is announced" NO_QEMU("no page can be asked about")) {
  torn_overlay([](nosigbus::region_descriptor& region) {
    nosigbus::overlay_begins(region);
    nosigbus::overlay_ends(region);
  });
}

TEST_CASE("a change of a region that is whole leaves it whole") {
  CHECK(in_child([] {
          shared_file file(page);
          const nosigbus::region region = make_region(origin::mapped, file, page);
          tear(region, {}, [](nosigbus::region_descriptor&) {});
          const auto status = region.status();
          CHILD_CHECK(!status.overlaid);
          CHILD_CHECK(status.generation % 2 == 0);
          return 0;
        }) == exited(0));
}

TEST_CASE("half-written books are as they were before" NO_QEMU("no page can be asked about")) {
  CHECK(in_child([] {
          enter_by(entry::installed);
          shared_file file(4 * page);
          file.draw();
          nosigbus::region region = make_region(origin::mapped, file, 4 * page);
          file.resize(2 * page);
          CHILD_CHECK(peek(region, 3 * page) == 0);
          tear(region, {page, 2 * page, NOSIGBUS_EOF}, [](nosigbus::region_descriptor& descriptor) {
            nosigbus::overlay_changes(descriptor);
            descriptor.overlays.clear();
          });
          file.resize(4 * page);
          file.draw();
          CHILD_CHECK(region.refresh() == 1);
          CHILD_CHECK(is_pattern(region, 0, 4 * page));
          return 0;
        }) == exited(0));
}

// What a private mapping has under what is to be overlaid is set aside first: torn between the two, it is
// where it was.
TEST_CASE("what was about to be set aside is still there" NO_QEMU("no page can be asked about")) {
  if (!private_mappings_come_back()) return;
  CHECK(in_child([] {
          enter_by(entry::installed);
          shared_file file(4 * page);
          file.draw();
          nosigbus::region region = make_region(origin::adopted_without_fd, file, 4 * page,
                                                PROT_READ | PROT_WRITE, NOSIGBUS_PRIVATE);
          poke(region, 2 * page, 77);
          tear(region, {page, 4 * page, NOSIGBUS_EOF}, [](nosigbus::region_descriptor& descriptor) {
            void* const room = mmap(nullptr, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            descriptor.shadow = reinterpret_cast<uintptr_t>(room);
            descriptor.shadow_length = 4 * page;
          });
          region.refresh();
          CHILD_CHECK(peek(region, 2 * page) == 77);
          CHILD_CHECK(peek(region, 3 * page) == pattern(3 * page));
          return 0;
        }) == exited(0));
}

// The child of fork has no use for it, and releases it as it finds it: nothing is counted that nobody takes
// back.
TEST_CASE("a region that is released while a change of it is torn leaves nothing overlaid") {
  for (const interval intended : {interval{page, 4 * page, NOSIGBUS_EOF}, interval{}}) {
    for (const bool announced : {false, true}) {
      CAPTURE(intended.end);
      CAPTURE(announced);
      CHECK(in_child([=] {
              shared_file file(4 * page);
              nosigbus::region region = make_region(origin::mapped, file, 4 * page);
              nosigbus::region_descriptor& place = descriptor_of(region);
              tear(region, intended, [=](nosigbus::region_descriptor& torn) {
                if (!announced) return;
                // All the way to the end of the change, but for the note of it.
                nosigbus::overlay_begins(torn);
                nosigbus::overlay_ends(torn);
              });
              CHILD_CHECK(place.overlays.empty() && place.changing);
              const uint64_t generation = place.generation.load();
              region.reset();
              CHILD_CHECK((nosigbus::g_overlay_census.read() & nosigbus::overlay_census::live_mask) == 0);
              CHILD_CHECK(!place.changing && place.overlays.empty());
              CHILD_CHECK(place.generation.load() > generation && place.generation.load() % 2 == 0);
              return 0;
            }) == exited(0));
    }
  }
}
