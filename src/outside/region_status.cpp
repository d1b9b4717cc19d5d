// SPDX-License-Identifier: MIT
//
// How a region is: what its places, taken together, have to say.
#include <errno.h>
#include <fcntl.h>
#include <nosigbus/region.h>
#include <src/inside/region_facts.h>
#include <src/outside/place.h>
#include <src/outside/versioned_struct.h>
#include <src/shared/region_lock.h>

namespace nosigbus {

namespace {

bool sealed_whole(const region_descriptor& region, uint64_t size) {
  const int fd = descriptor_of(region);
  if (fd < 0 || size == UINT64_MAX) return false;
  const int seals = fcntl(fd, F_GET_SEALS);
  // In this order: a size read before the seal was set could have changed in between.
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && bytes_within(region, file_size(region)) == region.size;
}

void add_place(struct nosigbus_region_status& sum, region_descriptor& place) {
  const scoped_signal_block no_signals;
  const region_lock lock(place, no_signals);
  sum.generation += rounded(place.generation.load(std::memory_order_acquire));
  sum.faults += place.faults.load(std::memory_order_relaxed);
  sum.overlaid |= !place.overlays.empty();
  if (place.first_bad_offset < sum.first_bad_offset) sum.first_bad_offset = place.first_bad_offset;
  const nosigbus_cause cause = gravest_cause(place);
  if (cause > sum.cause) sum.cause = cause;
}

}  // namespace

}  // namespace nosigbus

using namespace nosigbus;

int nosigbus_region_status(nosigbus_region* region, struct nosigbus_region_status* out,
                           size_t size) noexcept {
  if (!usable(region) || out == nullptr || size == 0) return -EINVAL;
  struct nosigbus_region_status now {};
  now.first_bad_offset = UINT64_MAX;
  for (region_descriptor* place = newest_place(*region); place != nullptr; place = place->older) {
    add_place(now, *place);
  }
  now.generation |= now.overlaid ? 1 : 0;
  const region_descriptor& newest = *newest_place(*region);
  now.file_size = file_size(newest);
  now.sealed = sealed_whole(newest, now.file_size);
  copy_versioned(out, size, &now, sizeof now);
  return 0;
}
