// SPDX-License-Identifier: MIT
//
// Guarded scans against the C library's.
#include <nosigbus/scan.h>

#include <cstdio>
#include <cstring>

#include "buffers.h"
#include "pairs.h"

namespace {

constexpr size_t sizes[] = {1,   4,   8,   15,  16,   24,   31,    32,    48,     64,
                            100, 160, 256, 512, 1024, 4096, 16384, 65536, 1048576};
constexpr size_t alignments[] = {0, 17};

// Each string has a place of its own, so that what ends it lasts while others are measured.
char* fresh(size_t n, size_t alignment) {
  static char* next = nullptr;
  static size_t left = 0;
  const size_t need = (n + 2 * 4096) & ~size_t{4095};
  if (need > left) {
    left = size_t{16} << 20;
    next = reinterpret_cast<char*>(bench::make_shared(left).data);
  }
  char* const place = next + alignment;
  next += need;
  left -= need;
  memset(place, 'a', n + 1);
  return place;
}

void add_scans(size_t n, size_t alignment) {
  char* const string = fresh(n, alignment);
  char* const same = fresh(n, (alignment * 3) % 64);
  string[n] = same[n] = 0;
  const auto named = [=](const char* what) {
    char name[80];
    snprintf(name, sizeof name, "%s %zu B, +%zu", what, n, alignment);
    return std::string(name);
  };
  const size_t max = n + n / 2 + 1;
  const auto find_byte = static_cast<const void* (*)(const void*, int, size_t)>(memchr);
  const auto add = [&](const char* what, bench::body ours, const char* peer, bench::body theirs,
                       const char* group) {
    bench::add({named(what), std::move(ours), peer, std::move(theirs), 0, group});
  };
  add("safe_strnlen", bench::calls(nosigbus_safe_strnlen, string, max, 0), "strnlen",
      bench::calls(strnlen, string, max, 0), "safe_strnlen");
  add("safe_memchr", bench::calls(nosigbus_safe_memchr, string, size_t{0}, n + 1), "memchr",
      bench::calls(find_byte, string, size_t{0}, n + 1), "safe_memchr");
  add("safe_memchr, none", bench::calls(nosigbus_safe_memchr, string, size_t{'z'}, n), "memchr",
      bench::calls(find_byte, string, size_t{'z'}, n), "safe_memchr");
  add("safe_memcmp", bench::calls(nosigbus_safe_memcmp, string, same, n), "memcmp",
      bench::calls(memcmp, string, same, n), "safe_memcmp");
}

const bool g_added = [] {
  for (const char* const group : {"safe_strnlen", "safe_memchr", "safe_memcmp"})
    bench::add_group(group, 0.95, 0);
  for (const size_t n : sizes) {
    for (const size_t alignment : alignments) add_scans(n, alignment);
  }
  return true;
}();

}  // namespace
