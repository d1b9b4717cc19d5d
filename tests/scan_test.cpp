// SPDX-License-Identifier: MIT
//
// Guarded searches against a byte-by-byte model: sizes around every path, every position of the first bad
// byte and with it every alignment, several positions of the byte sought.
#include <algorithm>
#include <vector>

#include "support/routine_sets.h"
#include "support/sampling.h"

using namespace test;

namespace {

constexpr unsigned char other = 'a', sought = 0xc3;
constexpr size_t nowhere = static_cast<size_t>(-1);

std::vector<size_t> sizes() {
  std::vector<size_t> out;
  for (size_t n = 0; n <= 170; ++n) out.push_back(n);
  for (const size_t n : {191, 192, 193, 223, 224, 255, 256, 257, 287, 289, 300, 320, 383, 385, 512, 4097}) {
    out.push_back(n);
  }
  return out;
}

// How many good bytes there are from s on, below n and above, where none is bad.
std::vector<size_t> good_counts(size_t n) {
  std::vector<size_t> out;
  for (size_t k = 0; k <= n + 64; ++k) {
    const bool sampled = k < 2 || (n < k + 2 && k < n + 2) || (n + k) % sampling() == 0;
    if (sampled && (n <= 170 || k < 70 || n < k + 70 || k % 37 == 0)) out.push_back(k);
  }
  return out;
}

// Where the byte sought is, in front of `good` good bytes; nowhere among them.
std::vector<size_t> match_positions(size_t n, size_t good) {
  std::vector<size_t> out{nowhere};
  const size_t last = good < n ? good : n;
  for (const size_t m : {size_t{0}, size_t{17}, last / 2, last - 33, last - 2, last - 1, last, last + 1}) {
    if (m < good && std::find(out.begin(), out.end(), m) == out.end()) out.push_back(m);
  }
  return out;
}

// search(s, n) looks for `wanted`; expected answers as a loop over bytes would find them.
template <class Search>
void search_matrix(badness kind, unsigned char wanted, Search search) {
  const arena memory(kind);
  memory.fill(other);
  memset(memory.behind(), wanted, page_size());
  for (const size_t n : sizes()) {
    for (const size_t good : good_counts(n)) {
      unsigned char* const s = memory.bad() - good;
      s[-1] = wanted;
      for (const size_t match : match_positions(n, good)) {
        if (match != nowhere) s[match] = wanted;
        const size_t expected = std::min({n, good, match});
        CHILD_CHECK(search(s, n) == expected);
        if (expected == good && good < n) {
          memory.check_record(NOSIGBUS_READ, memory.bad());
        } else {
          CHILD_CHECK(met_nothing());
        }
        if (match != nowhere) s[match] = other;
      }
      s[-1] = other;
    }
  }
}

// Every alignment and position where nothing is bad; more of `wanted` on both sides of what is searched.
template <class Search>
void alignment_matrix(unsigned char wanted, Search search) {
  std::vector<unsigned char> buffer(1024, other);
  for (size_t alignment = 1; alignment <= 64; ++alignment) {
    unsigned char* const s = buffer.data() + alignment;
    for (size_t n = 0; n <= 420; n += n < 140 ? 1 : 7) {
      s[-1] = s[n] = s[n + 1] = wanted;
      CHILD_CHECK(search(s, n) == n);
      for (size_t match = 0; match < n; match += n < 140 ? 1 : 5) {
        s[match] = wanted;
        CHILD_CHECK(search(s, n) == match);
        CHILD_CHECK(search(s, n + 300) == match);
        CHILD_CHECK(met_nothing());
        s[match] = other;
      }
      s[-1] = s[n] = s[n + 1] = other;
    }
  }
}

size_t strnlen_of(const unsigned char* s, size_t n) {
  return scans_in_force().strnlen(reinterpret_cast<const char*>(s), n);
}
// The value is more than a byte: what does not fit is cut off.
size_t memchr_of(const unsigned char* s, size_t n) { return scans_in_force().memchr(s, 0x100 + sought, n); }

void strncpy_matrix(badness kind) {
  const arena memory(kind);
  memory.fill(other);
  memset(memory.behind(), 0, page_size());
  std::vector<unsigned char> dst(5000);
  for (const size_t n : sizes()) {
    for (const size_t good : good_counts(n)) {
      unsigned char* const s = memory.bad() - good;
      for (const size_t match : match_positions(n, good)) {
        if (match != nowhere) s[match] = 0;
        const size_t expected = std::min({n, good, match});
        memset(dst.data(), 0xa5, n + 100);
        unsigned char* const to = dst.data() + 33;
        CHILD_CHECK(nosigbus_safe_strncpy(reinterpret_cast<char*>(to), reinterpret_cast<char*>(s), n) ==
                    expected);
        CHILD_CHECK(memcmp(to, s, expected) == 0);
        for (size_t i = expected; i < n; ++i) CHILD_CHECK(to[i] == 0);
        CHILD_CHECK(to[-1] == 0xa5);
        CHILD_CHECK(to[n] == 0xa5);
        if (expected == good && good < n) {
          memory.check_record(NOSIGBUS_READ, memory.bad());
        } else {
          CHILD_CHECK(met_nothing());
        }
        if (match != nowhere) s[match] = other;
      }
    }
  }
}

}  // namespace

TEST_CASE("safe_strnlen finds the NUL, or the first bad byte") {
  with_each_set([](badness kind) {
    search_matrix(kind, 0, strnlen_of);
    alignment_matrix(0, strnlen_of);
  });
}

TEST_CASE("safe_memchr finds the byte, or the first bad one") {
  with_each_set([](badness kind) {
    search_matrix(kind, sought, memchr_of);
    alignment_matrix(sought, memchr_of);
  });
}

TEST_CASE("safe_strncpy copies up to the NUL, or the first bad byte, and zeroes the rest") {
  with_each_set(strncpy_matrix);
}

TEST_CASE("a search that begins on the bad page, or goes on behind it, finds nothing there") {
  with_each_set([](badness kind) {
    const arena memory(kind);
    memory.fill(sought);
    for (size_t offset = 0; offset < page_size(); offset += offset % 64 == 63 ? 449 : 1) {
      CHILD_CHECK(memchr_of(memory.bad() + offset, 2 * page_size() - offset) == 0);
      memory.check_record(NOSIGBUS_READ, memory.bad() + offset);
    }
  });
}

TEST_CASE("a string without an end, at any length, is searched to its first bad byte") {
  with_each_set([](badness kind) {
    const arena memory(kind);
    memory.fill(other);
    for (const size_t good : {0, 1, 31, 32, 100, 1000, 5000}) {
      unsigned char* const s = memory.bad() - good;
      for (const size_t n :
           {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX - reinterpret_cast<uintptr_t>(s),
            SIZE_MAX - reinterpret_cast<uintptr_t>(s) + 1, size_t{1} << 40, (size_t{1} << 40) + good + 1}) {
        CHILD_CHECK(strnlen_of(s, n) == good);
        memory.check_record(NOSIGBUS_READ, memory.bad());
        CHILD_CHECK(memchr_of(s, n) == good);
      }
    }
    // The same with a NUL in front of it.
    memory.base()[4500] = 0;
    CHILD_CHECK(strnlen_of(memory.base(), SIZE_MAX) == 4500);
    CHILD_CHECK(met_nothing());
  });
}
