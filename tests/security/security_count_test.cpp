// SPDX-License-Identifier: MIT
//
// What an attack can do that goes on for hours: counters come round.
#include <nosigbus/copy.h>
#include <src/shared/region.h>

#include "scene.h"

using namespace test;

namespace {

const size_t page = page_size();

// As many changes of overlays have happened.
void pass_changes(uint64_t count) {
  static_assert(sizeof(nosigbus::overlay_census) == sizeof(std::atomic<uint64_t>));
  reinterpret_cast<std::atomic<uint64_t>&>(nosigbus::g_overlay_census)
      .fetch_add(count * nosigbus::overlay_census::change, std::memory_order_acq_rel);
}

// What a guarded read says of a region that was overlaid once and is whole, beside one that is overlaid, when
// so many changes have passed.
nosigbus_cause cause_after(uint64_t changes) {
  shared_file file(2 * page), other(page);
  nosigbus::region region = make_region(origin::mapped, file, 2 * page, PROT_READ, hardened);
  file.resize(page);
  peek(region, page);
  file.resize(2 * page);
  CHILD_CHECK(region.refresh() == 1);
  const nosigbus::region attacked = make_region(origin::mapped, other, page, PROT_READ, hardened);
  other.resize(0);
  pass_changes(changes);
  peek(attacked, 0);
  unsigned char copy[2];
  CHILD_CHECK(nosigbus_safe_read(copy, region.bytes().data() + page, 2) == 2);
  return nosigbus_last_fault()->cause;
}

}  // namespace

TEST_CASE("a guarded read names no cause that has passed however many changes of overlays ago") {
  for (const uint64_t changes : {uint64_t{0}, uint64_t{1} << 30, (uint64_t{1} << 31) - 100,
                                 (uint64_t{1} << 31) + 100, uint64_t{3} << 30, uint64_t{1} << 32}) {
    CAPTURE(changes);
    CHECK(in_child([changes] {
            enter_by(entry::installed);
            return cause_after(changes) == NOSIGBUS_NONE ? 0 : 1;
          }) == exited(0));
  }
}
