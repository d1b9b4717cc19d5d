// SPDX-License-Identifier: MIT
//
// Regions over every kind of file: protection that is widened before the file is cut off, and files that are
// far larger than memory.
#include <nosigbus/copy.h>

#include <cerrno>
#include <vector>

#include "support/fault_context.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"
#include "support/region_place.h"

using namespace test;

namespace {

// Runs body(place, store) in a child of a child for each read-only place over files of a kind. They are to
// end as `expected`.
template <class Body>
void with_each_read_only_place(file_kind kind, const outcome& expected, Body body) {
  for (const entry how : entries) {
    CAPTURE(static_cast<int>(how));
    const auto all_places = [&] {
      file_store store(kind);
      enter_by(how);
      int failures = 0;
      for_each_place(kind, [&](const region_place& where) {
        if (where.writable) return;
        const outcome result = in_child([&] {
          body(where, store);
          return 0;
        });
        if (result == expected) return;
        ++failures;
        dprintf(2, "%s: exit code %d, signal %d\n", describe(where).data(), result.exit_code, result.signo);
      });
      return failures;
    };
    CHECK(in_child(all_places, 100) == exited(0));
  }
}

// A region that was read-only, and is writable when its file is cut off.
class widened_scene : public region_scene {
 public:
  widened_scene(const region_place& where, const file_store& store) : region_scene(where, store, 0) {
    CHILD_CHECK(mprotect(data(), where.end(), PROT_READ | PROT_WRITE) == 0);
    poke(region(), 1, 0x11);
    CHILD_CHECK(byte_of_file(1) == (where.is_private ? marked(1) : 0x11));
    cut_off(where.cut());
  }
};

void writes_are_not_swallowed(file_kind kind) {
  if (!exists(kind)) return;
  const std::optional<huge_pages> pool = pages_for(kind);
  if (pool && !pool->granted()) return;
  with_each_read_only_place(kind, killed_by(misuse_signal()),
                            [](const region_place& where, const file_store& store) {
                              widened_scene scene(where, store);
                              poke(scene.region(), where.bad() + 5, 1);
                            });
  with_each_read_only_place(kind, exited(0), [](const region_place& where, const file_store& store) {
    widened_scene scene(where, store);
    const std::vector<unsigned char> bytes(where.granule() + 100, 0x42);
    CHILD_CHECK(nosigbus_safe_write(scene.data() + where.bad() - 37, bytes.data(), bytes.size()) == 37);
    const nosigbus_fault fault = *nosigbus_last_fault();
    CHILD_CHECK(fault.cause == NOSIGBUS_EOF);
    CHILD_CHECK(fault.access == NOSIGBUS_WRITE);
    CHILD_CHECK(fault.address == reinterpret_cast<uintptr_t>(scene.data()) + where.bad());
    CHILD_CHECK(!scene.region().status().overlaid);
    CHILD_CHECK(scene.is_zero(where.bad(), where.end()));
    scene.make_whole();
    CHILD_CHECK(scene.region().refresh() == (where.has_way_back() ? 1 : -ENOTSUP));
    if (!where.has_way_back()) return;
    CHILD_CHECK(scene.is_marked(where.bad(), where.end()));
    // "What is put back has the protection of the pages in front of it".
    poke(scene.region(), where.bad() + 5, 0x12);
    CHILD_CHECK(peek(scene.region(), where.bad() + 5) == 0x12);
  });
}

}  // namespace

TEST_CASE("protection widened before the cut: memory files") { writes_are_not_swallowed(file_kind::memory); }
TEST_CASE("protection widened before the cut: tmpfs") { writes_are_not_swallowed(file_kind::tmpfs); }
TEST_CASE("protection widened before the cut: disk") { writes_are_not_swallowed(file_kind::disk); }
TEST_CASE("protection widened before the cut: POSIX shared memory") {
  writes_are_not_swallowed(file_kind::posix_shm);
}
TEST_CASE("protection widened before the cut: huge pages" NO_QEMU("it rounds to its own pages")) {
  writes_are_not_swallowed(file_kind::huge_pages);
}

TEST_CASE("a sparse file of 2 TiB that is cut off" NO_QEMU("2 TiB are more than its address space")
              NO_TSAN("and of its shadow")) {
  for (unsigned policy = 0; policy < 8; ++policy) {
    for (const bool is_private : {false, true}) {
      CAPTURE(policy);
      CAPTURE(is_private);
      with_each_region([=](origin from) {
        constexpr size_t size = size_t{2} << 40;
        const size_t page = page_size(), missing = 3 * page;
        shared_file file(missing);
        file.resize(size);
        // A private writable mapping of that size is more than the kernel commits itself to.
        nosigbus::region region =
            make_region(from, file, size, is_private ? PROT_READ : PROT_READ | PROT_WRITE,
                        policy | (is_private ? NOSIGBUS_PRIVATE : 0u));
        CHILD_CHECK(is_pattern(region, 0, missing));
        file.resize(missing);
        const bool discards = !is_private && (policy & NOSIGBUS_DISCARD_WRITES) != 0;
        const size_t touched = size / 2 + 5;
        if (discards) poke(region, touched, 0x99);
        for (size_t i = missing; i < size; i = i * 2 + 5) CHILD_CHECK(peek(region, i) == 0);
        CHILD_CHECK(peek(region, size - 1) == 0);
        CHILD_CHECK(peek(region, touched) == (discards ? 0x99 : 0));
        CHILD_CHECK(region.status().cause == NOSIGBUS_EOF);
        CHILD_CHECK(region.status().faults == 1);
        CHILD_CHECK(vmas_in(region) <= 3);
        file.resize(size);
        const bool comes_back =
            !is_private || from != origin::adopted_without_fd || private_mappings_come_back();
        CHILD_CHECK(region.refresh() == (comes_back ? 1 : -ENOTSUP));
        if (!comes_back) return;
        CHILD_CHECK(vmas_in(region) == 1);
        const unsigned char fresh = 0xf1;
        CHILD_CHECK(pwrite(file.fd(), &fresh, 1, static_cast<off_t>(touched)) == 1);
        CHILD_CHECK(peek(region, touched) == fresh);
      });
    }
  }
}

TEST_CASE("a huge page at the end is put back although a hole in front of it is not" NO_QEMU(
    "it rounds to its own pages")) {
  constexpr file_kind kind = file_kind::huge_pages;
  if (!exists(kind)) return;
  const std::optional<huge_pages> pool = pages_for(kind);
  if (!pool->granted()) return;
  for (const entry how : entries) {
    CAPTURE(static_cast<int>(how));
    CHECK(in_child([how] {
            file_store store(kind);
            enter_by(how);
            const region_place where{kind, origin::mapped, false, false, false, false};
            const size_t granule = where.granule(), hole = granule, end = 3 * granule;
            region_scene scene(where, store, NOSIGBUS_ABSORB_IO);
            scene.cut_off(hole);
            scene.cut_off(where.whole());
            scene.mark(hole + granule, end);
            store.fill();
            CHILD_CHECK(peek(scene.region(), hole) == 0);
            CHILD_CHECK(scene.region().status().cause == NOSIGBUS_IO);
            scene.cut_off(end);
            CHILD_CHECK(peek(scene.region(), end) == 0);
            store.make_room();
            scene.cut_off(where.whole());
            scene.mark(end, where.whole());
            store.fill();
            CHILD_CHECK(scene.region().refresh() == 0);
            CHILD_CHECK(scene.is_zero(hole, hole + granule));
            CHILD_CHECK(scene.is_marked(hole + granule, where.whole()));
            store.make_room();
            CHILD_CHECK(scene.region().refresh() == 1);
            CHILD_CHECK(scene.is_zero(hole, hole + granule));
            CHILD_CHECK(scene.is_marked(hole + granule, where.whole()));
            return 0;
          }) == exited(0));
  }
}
