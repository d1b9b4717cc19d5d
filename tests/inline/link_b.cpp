// SPDX-License-Identifier: MIT
//
// The other half of link_a.cpp.
#include "link.h"

#include <nosigbus/region.h>
#include <sys/mman.h>

namespace {

struct pair {
  double first, second;
};

// A value of the caller's own where the load fails: gcc bug 113921 lost it.
__attribute__((noinline)) uint64_t load_or(const uint64_t* from, uint64_t otherwise) {
  uint64_t value = otherwise;
  const int result = nosigbus_safe_load64(from, &value);
  return result == 0 ? value : value + 1;
}

// gcc 12 made both halves of it from a register that had not been loaded yet.
__attribute__((noinline)) std::optional<pair> load_pair(const pair* from) { return nosigbus::load(from); }

__attribute__((noinline)) int64_t last_good(const int64_t* from, int n) {
  int64_t seen = -1;
  for (int i = 0; i < n; ++i) {
    int64_t value = seen;
    if (nosigbus_safe_load64(from + i, reinterpret_cast<uint64_t*>(&value)) != 0) return seen + value;
    seen = value;
  }
  return seen;
}

}  // namespace

int other_half(const uint64_t* from) {
  uint64_t value;
  const int mine = nosigbus_safe_load64(from, &value) == 0 ? 0 : -1;
  return mine + shared_function<1>(from);
}

bool values_are_right() {
  // Two pages of nothing: good, and gone.
  void* const address = mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED || munmap(static_cast<char*>(address) + 4096, 4096) != 0) return false;
  if (nosigbus_install(NOSIGBUS_CATCH_SEGV) != 0) return false;
  auto* const good = static_cast<uint64_t*>(address);
  const uint64_t* const bad = good + 512;
  good[0] = 7;
  auto* const pairs = reinterpret_cast<pair*>(good + 2);
  *pairs = {1.5, 2.5};
  auto* const numbers = reinterpret_cast<int64_t*>(good);
  good[510] = 40;
  good[511] = 41;
  const auto loaded = load_pair(pairs);
  return load_or(good, 9) == 7 && load_or(bad, 9) == 10 && loaded && loaded->first == 1.5 &&
         loaded->second == 2.5 && !load_pair(reinterpret_cast<const pair*>(bad)) &&
         last_good(numbers + 510, 2) == 41 && last_good(numbers + 510, 3) == 82 &&
         last_good(numbers + 512, 1) == -2;
}
