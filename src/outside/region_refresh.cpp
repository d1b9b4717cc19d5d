// SPDX-License-Identifier: MIT
#include <errno.h>
#include <nosigbus/region.h>
#include <src/inside/refresh.h>
#include <src/outside/place.h>

using namespace nosigbus;

int nosigbus_region_refresh(nosigbus_region* region) noexcept {
  if (!usable(region)) return -EINVAL;
  int whole = 1;
  for (region_descriptor* place = newest_place(*region); place != nullptr; place = place->older) {
    const int answer = refresh(*place);
    if (answer < whole) whole = answer;
  }
  return whole;
}
