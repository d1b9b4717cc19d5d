// SPDX-License-Identifier: MIT
#include <nosigbus/copy.h>
#include <src/shared/routines.h>
#include <string.h>
#include <unistd.h>

constinit std::atomic<uint32_t> nosigbus_detour{nosigbus::detour_other_set};

namespace nosigbus {

namespace {

// A copy that fills most of the cache is stored past it: what is in there is wanted sooner than its result.
// What the system reports may be the cache of many cores together, of which one core gets a part.
size_t most_of_cache() {
  constexpr size_t most = size_t{48} << 20, unknown = size_t{6} << 20;
  long size = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
  size = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
  const size_t part = size > 0 ? static_cast<size_t>(size) / 4 * 3 : unknown;
  return part < most ? part : most;
}

void put_in_force(const routines& set) {
  nosigbus_detour.fetch_or(detour_other_set, std::memory_order_relaxed);
  nosigbus_routines = set;
  if (set.stream_from == past_cache) {
    nosigbus_routines.stream_from = most_of_cache();
    if (set.large_from == past_cache) nosigbus_routines.large_from = nosigbus_routines.stream_from;
  }
  if (set.public_read != nullptr) nosigbus_detour.fetch_and(~detour_other_set, std::memory_order_release);
}

// Before the constructors of programs that use guarded operations.
__attribute__((constructor(101))) void choose() {
  for (size_t i = arch::routines_count; i-- > 0;) {
    const routines& set = arch::all_routines[i];
    if (set.supported() && set.pays()) return put_in_force(set);
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
