// SPDX-License-Identifier: MIT
//
// Guarded comparison against a byte-by-byte model: either side bad, or both, with a difference in front,
// at and behind the first bad byte, and no difference at all.
#include <algorithm>
#include <vector>

#include "support/routine_sets.h"
#include "support/sampling.h"

using namespace test;

namespace {

constexpr unsigned char same = 'a', different = 0xe1;
constexpr size_t nowhere = static_cast<size_t>(-1);

struct sides {
  const arena& a;
  const arena& b;
};

// a has good_a good bytes from where the comparison begins, b good_b.
void compare(const sides& memory, size_t n, size_t good_a, size_t good_b, size_t difference) {
  unsigned char* const a = memory.a.bad() - good_a;
  unsigned char* const b = memory.b.bad() - good_b;
  // On the side where that byte is good; on both it would be no difference.
  unsigned char* changed = nullptr;
  if (difference < std::max(good_a, good_b)) changed = difference < good_a ? a + difference : b + difference;
  if (changed != nullptr) *changed = different;

  const size_t good = std::min(good_a, good_b);
  const size_t expected = std::min({n, good, difference});
  CHILD_CHECK(scans_in_force().memcmp(a, b, n) == expected);
  if (expected == n || expected < good) {
    CHILD_CHECK(met_nothing());
  } else if (good_a == good_b) {
    const uintptr_t address = nosigbus_last_fault()->address;
    CHILD_CHECK(address == reinterpret_cast<uintptr_t>(memory.a.bad()) ||
                address == reinterpret_cast<uintptr_t>(memory.b.bad()));
  } else {
    const arena& bad = good_a < good_b ? memory.a : memory.b;
    bad.check_record(NOSIGBUS_READ, bad.bad());
  }
  if (changed != nullptr) *changed = same;
}

void bad_matrix(badness kind) {
  const arena a(kind), b(kind);
  a.fill(same);
  b.fill(same);
  std::vector<size_t> sizes;
  for (size_t n = 0; n <= 140; n += n < 70 ? 1 : 3) sizes.push_back(n);
  for (const size_t n : {160, 191, 193, 224, 255, 256, 257, 300, 384, 400, 513, 4500}) sizes.push_back(n);
  for (const size_t n : sizes) {
    const auto step = [n](size_t good) -> size_t { return n <= 70 ? 1 : good + 140 > n ? 3 : 61; };
    for (size_t good = n % sampling(); good <= n + 40; good += sampling() * step(good)) {
      // The other side: bad at the same byte, near to it, or not at all.
      for (const size_t more : {size_t{0}, size_t{1}, size_t{30}, n + 64}) {
        for (const size_t difference : {good - 1, good, good + 1, good / 2, size_t{0}, n, nowhere}) {
          compare({a, b}, n, good, good + more, difference);
          if (more != 0) compare({a, b}, n, good + more, good, difference);
        }
      }
    }
  }
}

void alignment_matrix() {
  std::vector<unsigned char> first(1200, same), second(1200, same);
  for (const size_t alignment_a : {1, 2, 15, 16, 31, 32, 33, 64}) {
    for (const size_t alignment_b : {1, 7, 16, 32, 63}) {
      unsigned char* const a = first.data() + alignment_a;
      unsigned char* const b = second.data() + alignment_b;
      for (size_t n = 0; n <= 600; n += n < 140 ? 1 : 13) {
        a[-1] = a[n] = a[n + 1] = different;
        CHILD_CHECK(scans_in_force().memcmp(a, b, n) == n);
        for (size_t at = (n + alignment_a + alignment_b) % sampling(); at < n;
             at += sampling() * (n < 140 ? 1 : 3)) {
          b[at] = different;
          CHILD_CHECK(scans_in_force().memcmp(a, b, n) == at);
          if (at + 40 < n) b[at + 40] = different;  // of two, the first
          CHILD_CHECK(scans_in_force().memcmp(a, b, n) == at);
          CHILD_CHECK(met_nothing());
          b[at] = b[at + 40] = same;
        }
        a[-1] = a[n] = a[n + 1] = same;
      }
    }
  }
}

}  // namespace

TEST_CASE("safe_memcmp stops at the first byte that differs or is bad") {
  with_each_set([](badness kind) { bad_matrix(kind); });
}

TEST_CASE("safe_memcmp finds the first difference at any alignment") {
  with_each_set([](badness) { alignment_matrix(); });
}

TEST_CASE("safe_memcmp of both sides on one page, near to the bad one") {
  with_each_set([](badness kind) {
    const arena memory(kind);
    memory.fill(same);
    for (size_t a = 0; a < 300; a += 7) {
      for (size_t b = 0; b < 300; b += 3) {
        const size_t expected = std::min(a, b);
        CHILD_CHECK(scans_in_force().memcmp(memory.bad() - a, memory.bad() - b, 500) == expected);
        memory.check_record(NOSIGBUS_READ, memory.bad());
      }
    }
  });
}

TEST_CASE("safe_memcmp of memory without an end, at any length, stops at the first bad byte") {
  with_each_set([](badness kind) {
    const arena first(kind), second(kind);
    first.fill(same);
    second.fill(same);
    for (const size_t good : {0, 1, 40, 100, 300, 1000, 5000}) {
      const unsigned char* const a = first.bad() - good;
      const unsigned char* const b = second.bad() - good - 2000;
      const size_t to_wrap_a = SIZE_MAX - reinterpret_cast<uintptr_t>(a);
      const size_t to_wrap_b = SIZE_MAX - reinterpret_cast<uintptr_t>(b);
      for (const size_t n :
           {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX - 300, to_wrap_a, to_wrap_b, to_wrap_b + 1, size_t{1} << 40}) {
        CHILD_CHECK(scans_in_force().memcmp(a, b, n) == good);
        first.check_record(NOSIGBUS_READ, first.bad());
        CHILD_CHECK(scans_in_force().memcmp(b, a, n) == good);
        first.check_record(NOSIGBUS_READ, first.bad());
      }
    }
  });
}
