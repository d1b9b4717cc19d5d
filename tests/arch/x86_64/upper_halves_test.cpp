// SPDX-License-Identifier: MIT
//
// No public operation comes back with the upper halves of vector registers in use: code with SSE would run
// slower after it, for as long as it likes.
#include <cpuid.h>
#include <immintrin.h>
#include <nosigbus/scan.h>
#include <nosigbus/nosigbus.hpp>

#include <cstring>
#include <vector>

#include "support/arena.h"
#include "support/use_set.h"

using namespace test;

namespace {

bool processor_tells() {
  unsigned a, b, c, d;
  // xgetbv with 1: which parts of the state are not as at the beginning (Intel SDM 1, 13.5.1).
  return __get_cpuid_count(0xd, 1, &a, &b, &c, &d) != 0 && (a & 4) != 0;
}

void clean() { asm volatile("vzeroupper" ::: "xmm0"); }
bool upper_halves_in_use() {
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
  constexpr unsigned avx = 4;
  return (low & avx) != 0;
}

template <class Operation>
void check(const char* what, size_t n, Operation operation) {
  clean();
  operation();
  if (!upper_halves_in_use()) return;
  dprintf(2, "%s of %zu bytes leaves upper halves in use\n", what, n);
  _exit(1);
}

// bad: one byte behind the last good one. Operations on n bytes of which the last `beyond` are bad.
void check_all(unsigned char* bad, size_t n, size_t beyond) {
  static unsigned char other[2 * 4096];
  memset(other, 1, sizeof other);
  unsigned char* const p = bad - (n - beyond);
  char* const s = reinterpret_cast<char*>(p);
  check("read", n, [=] { read_in_force()(other, p, n); });
  memset(other, 1, sizeof other);
  check("write", n, [=] { nosigbus_safe_write(p, other, n); });
  check("copy", n, [=] { nosigbus_safe_copy(p, other, n); });
  check("fill", n, [=] { nosigbus_safe_fill(p, 1, n); });
  const nosigbus::scans scans = scans_in_force();
  check("strnlen", n, [=] { scans.strnlen(s, n); });
  check("memchr", n, [=] { scans.memchr(p, 2, n); });
  check("memchr, found", n, [=] { scans.memchr(p, 1, n); });
  check("memcmp", n, [=] { scans.memcmp(p, other, n); });
}

}  // namespace

TEST_CASE("no operation leaves the upper halves of vector registers in use") {
  if (!processor_tells()) return;
  for (const char* const name : {"avx2", "avx2+string", "avx2+stream", "avx512"}) {
    if (!use_set(name)) continue;
    for (const bool with_region : {false, true}) {
      CAPTURE(name);
      CAPTURE(with_region);
      CHECK(in_child(
                [=] {
                  enter_by(entry::installed, NOSIGBUS_CATCH_SEGV);
                  if (with_region) make_a_region();
                  // Two good pages and what is not there.
                  const size_t page = page_size();
                  unsigned char* const memory = static_cast<unsigned char*>(
                      mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
                  mprotect(memory + 2 * page, page, PROT_NONE);
                  memset(memory, 1, 2 * page);
                  for (size_t n = 0; n < 1300; n += n < 300 ? 1 : 37) {
                    for (const size_t beyond : {size_t{0}, n / 2, n}) check_all(memory + 2 * page, n, beyond);
                  }
                  return 0;
                },
                60) == exited(0));
    }
  }
}
