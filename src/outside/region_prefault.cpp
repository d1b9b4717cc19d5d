// SPDX-License-Identifier: MIT
//
// Looks at pages ahead of a system call, and repairs what a fault would have had repaired.
#include <errno.h>
#include <nosigbus/region.h>
#include <src/inside/probe.h>
#include <src/inside/repair.h>
#include <src/outside/place.h>

namespace nosigbus {

namespace {

// The first page of [begin, end) that cannot be read, `end` if none. Looks at ever longer pieces, and at
// shorter ones again where one is bad.
uintptr_t first_unreadable(uintptr_t begin, uintptr_t end, size_t granule) {
  // One probe of many pages would look at the last one only.
  const bool many = probe::populate_works();
  for (size_t step = many ? end - begin : granule; begin < end;) {
    const size_t length = step < end - begin ? step : end - begin;
    if (probe::readable(begin, length)) {
      begin += length;
      if (many) step *= 2;
    } else if (length == granule) {
      return begin;
    } else {
      step = (length / 2 + granule - 1) & ~(granule - 1);
    }
  }
  return end;
}

// As if the page had been read.
bool repair_page(uintptr_t address, size_t granule) {
  nosigbus_fault fault{};
  fault.address = address;
  fault.signo = SIGBUS;
  const bool poisoned = probe::poisoned(address, granule);
  fault.code = poisoned ? BUS_MCEERR_AR : BUS_ADRERR;
  fault.cause = poisoned ? NOSIGBUS_POISON : NOSIGBUS_MISSING;
  fault.access = NOSIGBUS_READ;
  fault.granule = granule;
  return repair(fault, nullptr);
}

}  // namespace

}  // namespace nosigbus

using namespace nosigbus;

int nosigbus_region_prefault(nosigbus_region* region, size_t offset, size_t length) noexcept {
  if (!usable(region)) return -EINVAL;
  const region_descriptor& place = *newest_place(*region);
  const size_t size = place.size;
  if (offset > size || length > size - offset) return -EINVAL;
  if (length == 0) return 0;
  const size_t granule = place.granule;
  uintptr_t at = (place.base + offset) & ~(granule - 1);
  const uintptr_t end = (place.base + offset + length + granule - 1) & ~(granule - 1);
  // Repaired, and cut off again before it was looked at: it is not for us to go on for ever.
  constexpr int patience = 16;
  uintptr_t last = 0;
  for (int again = 0; (at = first_unreadable(at, end, granule)) != end; last = at) {
    again = at == last ? again + 1 : 0;
    if (again == patience || !repair_page(at, granule)) return -EFAULT;
  }
  return 0;
}
