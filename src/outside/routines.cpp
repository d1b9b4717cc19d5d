// SPDX-License-Identifier: MIT
#include <nosigbus/copy.h>
#include <src/shared/routines.h>
#include <string.h>

constinit std::atomic<uint32_t> nosigbus_detour{nosigbus::detour_other_set};

namespace nosigbus {

namespace {

void put_in_force(const routines& set) {
  nosigbus_detour.fetch_or(detour_other_set, std::memory_order_relaxed);
  nosigbus_routines = set;
  if (set.plain_read) nosigbus_detour.fetch_and(~detour_other_set, std::memory_order_release);
}

// Before the constructors of programs that use guarded operations.
__attribute__((constructor(101))) void choose() {
  for (size_t i = arch::routines_count; i-- > 0;) {
    const routines& set = arch::all_routines[i];
    if (!set.only_by_name && set.supported()) return put_in_force(set);
  }
}

}  // namespace

bool use_routines(const char* name) {
  for (size_t i = 0; i < arch::routines_count; ++i) {
    const routines& set = arch::all_routines[i];
    if (strcmp(set.name, name) != 0 || !set.supported()) continue;
    put_in_force(set);
    return true;
  }
  return false;
}

}  // namespace nosigbus
