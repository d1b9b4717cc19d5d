// SPDX-License-Identifier: MIT
//
// Guarded copies against a byte-by-byte model: every size and every position of the first bad byte,
// several alignments, both sides, both signals, both entries.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <src/shared/port.h>
#include <src/shared/routines.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/entry.h"
#include "support/sampling.h"
#include "support/shared_file.h"
#include "support/use_set.h"

using namespace test;

namespace {

enum class badness { truncated, protected_page, unmapped };
constexpr badness all_badness[] = {badness::truncated, badness::protected_page, badness::unmapped};

int signal_of(badness kind) { return kind == badness::truncated ? SIGBUS : SIGSEGV; }

nosigbus_cause cause_of(badness kind) {
  switch (kind) {
    case badness::truncated:
      return NOSIGBUS_MISSING;
    case badness::protected_page:
      return NOSIGBUS_PROTECTED;
    default:
      return NOSIGBUS_UNMAPPED;
  }
}

constexpr unsigned char untouched = 0xa5, beyond = 0xee;

// Good pages, one bad page, and a good page behind it.
class arena {
 public:
  explicit arena(badness kind, size_t good_pages = 3) : good_(good_pages * page_size()) {
    const size_t page = page_size();
    base_ = static_cast<unsigned char*>(
        mmap(nullptr, good_ + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHILD_CHECK(base_ != MAP_FAILED);
    if (kind == badness::truncated) {
      shared_file file(page);
      CHILD_CHECK(mmap(bad(), page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.fd(), 0) == bad());
      file.resize(0);
    } else if (kind == badness::protected_page) {
      CHILD_CHECK(mprotect(bad(), page, PROT_NONE) == 0);
    } else {
      CHILD_CHECK(munmap(bad(), page) == 0);
    }
    draw();
  }

  unsigned char* bad() const { return base_ + good_; }
  unsigned char* behind() const { return bad() + page_size(); }
  void draw() {
    for (size_t i = 0; i < good_; ++i) base_[i] = pattern(i);
    memset(behind(), beyond, page_size());
  }

 private:
  size_t good_;
  unsigned char* base_;
};

constexpr size_t margin = 64;  // bytes looked at on both sides of what is copied

// Every size around the paths of the copies, and some that span pages.
std::vector<size_t> sizes() {
  std::vector<size_t> out;
  for (size_t n = 0; n <= 513; ++n) out.push_back(n);
  for (const size_t n : {600, 769}) out.push_back(n);
  for (const size_t n : {4095, 4096, 4097, 8000}) out.push_back(n);
  return out;
}

// Positions of the first bad byte in an operation of n bytes; from n on, none is bad.
std::vector<size_t> positions(size_t n) {
  const size_t step = sampling();
  std::vector<size_t> out;
  for (size_t k = 0; k < n + 16; ++k) {
    const bool sampled = k < 3 || n - k < 3 || (n + k) % step == 0;
    if (sampled && (n <= 513 || k < 70 || n - k < 70 || k % 61 == 0)) out.push_back(k);
  }
  return out;
}

// How the other side is aligned (this side's alignment follows from the position): in each of these ways
// where that is fast, otherwise in one of them, which changes with the size and the position.
using alignments = std::span<const size_t>;
alignments alignments_for(alignments all, size_t n, size_t k) {
  return n <= 144 ? all : all.subspan((n + k) / sampling() % all.size(), 1);
}

bool all_are(const unsigned char* bytes, size_t n, unsigned char value) {
  return n == 0 || (bytes[0] == value && memcmp(bytes, bytes + 1, n - 1) == 0);
}

void check_record(badness kind, nosigbus_access access, const void* first_bad) {
  const nosigbus_fault& fault = *nosigbus_last_fault();
  CHILD_CHECK(fault.cause == cause_of(kind));
  CHILD_CHECK(fault.address == reinterpret_cast<uintptr_t>(first_bad));
  CHILD_CHECK(fault.signo == signal_of(kind));
  CHILD_CHECK(fault.access == access);
  CHILD_CHECK(fault.pc != 0);
  CHILD_CHECK(fault.granule == page_size());
}

void check_read(badness kind, unsigned char* dst, const unsigned char* src, size_t n, size_t good) {
  const size_t expected = std::min(good, n);
  memset(dst - margin, untouched, n + 2 * margin);
  CHILD_CHECK(read_in_force()(dst, src, n) == expected);
  CHILD_CHECK(memcmp(dst, src, expected) == 0);
  CHILD_CHECK(all_are(dst + expected, n - expected, 0));
  CHILD_CHECK(all_are(dst - margin, margin, untouched));
  CHILD_CHECK(all_are(dst + n, margin, untouched));
  if (expected < n) {
    check_record(kind, NOSIGBUS_READ, src + expected);
  } else {
    CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
  }
}

void read_matrix(badness kind) {
  constexpr size_t of_target[] = {0, 1, 15, 31};
  const arena source(kind);
  std::vector<unsigned char> buffer(9000);
  for (const size_t n : sizes()) {
    for (const size_t k : positions(n)) {
      for (const size_t alignment : alignments_for(of_target, n, k))
        check_read(kind, buffer.data() + margin + alignment, source.bad() - k, n, k);
    }
  }
  // Into pages of which one ends in the last vectors of the copy, or right before or behind them.
  const arena target(kind);
  unsigned char* const boundary = target.bad() - page_size();
  for (const size_t n : {513, 600, 769, 4095}) {
    for (const size_t behind : {0, 1, 31, 63, 64, 65, 127, 129, 192, 193, 255, 256}) {
      for (const size_t k : positions(n)) check_read(kind, boundary + behind - n, source.bad() - k, n, k);
    }
  }
}

// What write and fill have in common: `operation(dst, n, alignment)` puts `data(alignment)` there.
template <class Operation, class Data>
void write_matrix(badness kind, alignments of_source, Operation operation, Data data) {
  arena target(kind);
  for (const size_t n : sizes()) {
    for (const size_t k : positions(n)) {
      unsigned char* const dst = target.bad() - k;
      const size_t expected = std::min(k, n);
      for (const size_t alignment : alignments_for(of_source, n, k)) {
        memset(dst - margin, untouched, k + margin);
        CHILD_CHECK(operation(dst, n, alignment) == expected);
        CHILD_CHECK(memcmp(dst, data(alignment), expected) == 0);
        CHILD_CHECK(all_are(dst - margin, margin, untouched));
        CHILD_CHECK(all_are(dst + expected, k - expected, untouched));
        CHILD_CHECK(all_are(target.behind(), page_size(), beyond));
        if (expected < n) {
          check_record(kind, NOSIGBUS_WRITE, dst + expected);
        } else {
          CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
        }
      }
    }
  }
}

void copy_matrix(badness source_kind, badness target_kind) {
  const arena source(source_kind);
  arena target(target_kind);
  for (const size_t n : {1, 2, 7, 8, 15, 16, 31, 33, 64, 65, 100, 128, 129, 200, 260, 530}) {
    const size_t step = n > 260 ? 7 : n > 40 ? 3 : 1;
    for (size_t s = 0; s <= n; s += step) {
      for (size_t t = 0; t <= n; t += step) {
        const bool last = s + step > n && t + step > n;
        if (!last && (s + t / step) % sampling() != 0) continue;
        const unsigned char* const src = source.bad() - s;
        unsigned char* const dst = target.bad() - t;
        memset(dst - 64, untouched, t + 64);
        const size_t expected = std::min({n, s, t});
        CHILD_CHECK(nosigbus_safe_copy(dst, src, n) == expected);
        CHILD_CHECK(memcmp(dst, src, expected) == 0);
        // Zeroed only when it was the source that ended it, and up to the bad byte of the destination.
        const bool source_ended = s < t && s < n;
        for (size_t i = expected; i < std::min(n, t); ++i)
          CHILD_CHECK(dst[i] == (source_ended ? 0 : untouched));
        for (size_t i = n; i < t; ++i) CHILD_CHECK(dst[i] == untouched);
        if (source_ended) check_record(source_kind, NOSIGBUS_READ, src + expected);
        if (t < s && t < n) check_record(target_kind, NOSIGBUS_WRITE, dst + expected);
        if (expected == n) CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
      }
    }
  }
}

// With every set of routines, every kind of bad page, both entries.
template <class Body>
void with_each(Body body) {
  for (size_t set = 0; set < nosigbus::arch::routines_count; ++set) {
    const char* const name = nosigbus::arch::all_routines[set].name;
    CAPTURE(std::string(name));
    if (!use_set(name)) continue;
    for (const entry how : entries) {
      // The way to the handler is the same for all routines.
      if (how == entry::first_chance && set != 0) continue;
      for (const badness kind : all_badness) {
        CAPTURE(static_cast<int>(how));
        CAPTURE(static_cast<int>(kind));
        const outcome result = in_child(
            [&] {
              enter_by(how, NOSIGBUS_CATCH_SEGV);
              body(kind);
              return 0;
            },
            200);
        CHECK(result == exited(0));
      }
    }
  }
}

}  // namespace

TEST_CASE("safe_read stops exactly at the first bad byte and zeroes the rest") { with_each(read_matrix); }

// The routines then look at the overlay census.
TEST_CASE("safe_read does so where there are regions") {
  with_each([](badness kind) {
    make_a_region();
    read_matrix(kind);
  });
}

TEST_CASE("safe_write stops exactly at the first bad byte and writes nothing behind it") {
  with_each([](badness kind) {
    constexpr size_t of_source[] = {0, 1, 8, 15};
    std::vector<unsigned char> source(8200);
    for (size_t i = 0; i < source.size(); ++i) source[i] = pattern(i);
    const auto data = [&](size_t alignment) { return source.data() + alignment; };
    write_matrix(
        kind, of_source,
        [&](void* dst, size_t n, size_t alignment) { return nosigbus_safe_write(dst, data(alignment), n); },
        data);
  });
}

TEST_CASE("safe_fill stops exactly at the first bad byte and writes nothing behind it") {
  with_each([](badness kind) {
    constexpr size_t of_source[] = {0};  // there is none
    const std::vector<unsigned char> filled(8200, 0xc3);
    write_matrix(
        kind, of_source, [](void* dst, size_t n, size_t) { return nosigbus_safe_fill(dst, 0x1c3, n); },
        [&](size_t) { return filled.data(); });
  });
}

TEST_CASE("safe_copy stops at whichever side is bad first") {
  with_each([](badness kind) {
    for (const badness target : all_badness) copy_matrix(kind, target);
  });
}

TEST_CASE("a source that ends below a good page is not copied on behind the bad one") {
  with_each([](badness kind) {
    const arena source(kind);
    std::vector<unsigned char> dst(3 * page_size(), untouched);
    const unsigned char* const src = source.bad() - 100;
    CHILD_CHECK(read_in_force()(dst.data(), src, 100 + page_size() + 50) == 100);
    for (size_t i = 100; i < 150 + page_size(); ++i) CHILD_CHECK(dst[i] == 0);
    // Beginning on the bad page, ending on the good one.
    CHILD_CHECK(read_in_force()(dst.data(), source.behind() - 40, 90) == 0);
    for (size_t i = 0; i < 90; ++i) CHILD_CHECK(dst[i] == 0);
    CHILD_CHECK(nosigbus_safe_write(source.behind() - 40, dst.data(), 90) == 0);
    CHILD_CHECK(source.behind()[0] == beyond);
  });
}
