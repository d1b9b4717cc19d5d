// SPDX-License-Identifier: MIT
//
// Guarded copies of rectangles against a byte-by-byte model: strides of every sign, rows that overlap, the
// first bad byte anywhere in them.
#include <vector>

#include "support/arena.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

constexpr unsigned char untouched = 0xa5;
constexpr size_t good_pages = 3;

struct rectangle {
  size_t row_bytes, rows;
  ptrdiff_t guarded_stride, other_stride;
};

std::vector<rectangle> rectangles() {
  std::vector<rectangle> out;
  for (const size_t row_bytes : {1, 3, 16, 40, 129}) {
    const auto row = static_cast<ptrdiff_t>(row_bytes);
    for (const size_t rows : {1, 2, 5}) {
      for (const ptrdiff_t guarded : {row, row + 7, -row, -row - 5, row / 2, ptrdiff_t{0}, 3 * row}) {
        for (const ptrdiff_t other : {row, row + 3, -row, -row - 9}) {
          out.push_back({row_bytes, rows, guarded, other});
        }
      }
    }
  }
  return out;
}

// Where the first row begins so that all rows lie at or behind `low`.
unsigned char* first_row(unsigned char* low, const rectangle& r, ptrdiff_t stride) {
  return stride < 0 ? low - stride * static_cast<ptrdiff_t>(r.rows - 1) : low;
}
unsigned char* row_at(unsigned char* first, ptrdiff_t stride, size_t i) {
  return first + stride * static_cast<ptrdiff_t>(i);
}

// Bytes of rows in front of the first that is at `bad` or behind.
size_t good_bytes(unsigned char* first, const rectangle& r, const unsigned char* bad) {
  for (size_t i = 0; i < r.rows; ++i) {
    for (size_t j = 0; j < r.row_bytes; ++j) {
      if (row_at(first, r.guarded_stride, i) + j >= bad) return i * r.row_bytes + j;
    }
  }
  return r.rows * r.row_bytes;
}
unsigned char* byte_at(unsigned char* first, ptrdiff_t stride, const rectangle& r, size_t offset) {
  return row_at(first, stride, offset / r.row_bytes) + offset % r.row_bytes;
}

void check_met(const arena& memory, nosigbus_access access, bool all, const void* first_bad) {
  if (all) {
    CHILD_CHECK(met_nothing());
  } else {
    memory.check_record(access, first_bad);
  }
}

void check_read(const arena& memory, const rectangle& r, unsigned char* src) {
  std::vector<unsigned char> buffer(2400, untouched), model(buffer);
  unsigned char* const dst = first_row(buffer.data() + 100, r, r.other_stride);
  const size_t size = r.rows * r.row_bytes;
  const size_t expected = good_bytes(src, r, memory.bad());
  for (size_t k = 0; k < size; ++k) {
    const size_t at = static_cast<size_t>(byte_at(dst, r.other_stride, r, k) - buffer.data());
    model[at] = k < expected ? *byte_at(src, r.guarded_stride, r, k) : 0;
  }
  CHILD_CHECK(nosigbus_safe_read_2d(dst, r.other_stride, src, r.guarded_stride, r.row_bytes, r.rows) ==
              expected);
  CHILD_CHECK(buffer == model);
  check_met(memory, NOSIGBUS_READ, expected == size, byte_at(src, r.guarded_stride, r, expected));
}

void check_write(const arena& memory, const rectangle& r, unsigned char* dst) {
  std::vector<unsigned char> source(2400);
  for (size_t i = 0; i < source.size(); ++i) source[i] = pattern(i);
  unsigned char* const src = first_row(source.data() + 100, r, r.other_stride);
  const size_t good = good_pages * page_size(), size = r.rows * r.row_bytes;
  memset(memory.base(), untouched, good);
  std::vector<unsigned char> model(memory.base(), memory.base() + good);
  const size_t expected = good_bytes(dst, r, memory.bad());
  for (size_t k = 0; k < expected; ++k) {
    model[static_cast<size_t>(byte_at(dst, r.guarded_stride, r, k) - memory.base())] =
        *byte_at(src, r.other_stride, r, k);
  }
  CHILD_CHECK(nosigbus_safe_write_2d(dst, r.guarded_stride, src, r.other_stride, r.row_bytes, r.rows) ==
              expected);
  CHILD_CHECK(memcmp(memory.base(), model.data(), good) == 0);
  check_met(memory, NOSIGBUS_WRITE, expected == size, byte_at(dst, r.guarded_stride, r, expected));
}

// Every rectangle, at every place relative to the bad page, but in steps where they are long.
template <class Operation>
void matrix(badness kind, Operation operation) {
  const arena memory(kind, good_pages);
  for (size_t i = 0; i < good_pages * page_size(); ++i) memory.base()[i] = pattern(i);
  for (const rectangle& r : rectangles()) {
    const size_t pitch = static_cast<size_t>(r.guarded_stride < 0 ? -r.guarded_stride : r.guarded_stride);
    const size_t span = pitch * (r.rows - 1) + r.row_bytes;
    for (size_t in_front = 0; in_front <= span + 2; in_front += span < 60 ? 1 : 11) {
      operation(memory, r, first_row(memory.bad() - in_front, r, r.guarded_stride));
    }
  }
}

template <class Body>
void with_each(Body body) {
  for (const entry how : entries) {
    for (const badness kind : all_badness) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(static_cast<int>(kind));
      CHECK(in_child(
                [&] {
                  enter_by(how, NOSIGBUS_CATCH_SEGV);
                  body(kind);
                  return 0;
                },
                200) == exited(0));
    }
  }
}

// A page that a region clips after 100 bytes of the file; behind them stands what the other side has left
// there.
struct clipped_page {
  explicit clipped_page(origin from)
      : file(page_size()), region(make_region(from, file, page_size(), PROT_READ, NOSIGBUS_CLIP)) {
    unsigned char* const writable = file.map(page_size(), PROT_READ | PROT_WRITE);
    file.resize(100);
    memset(writable + 100, 'x', page_size() - 100);
  }
  const unsigned char* data() const { return static_cast<const unsigned char*>(region.data()); }

  shared_file file;
  nosigbus::region region;
};

}  // namespace

TEST_CASE("safe_read_2d stops exactly at the first bad byte and zeroes the other rows") {
  with_each([](badness kind) { matrix(kind, check_read); });
}

TEST_CASE("safe_write_2d stops exactly at the first bad byte and touches no gap") {
  with_each([](badness kind) { matrix(kind, check_write); });
}

TEST_CASE("a gap that is bad is not touched") {
  // Without a handler: a fault would kill.
  CHECK(in_child([] {
          const arena memory(badness::protected_page);
          memory.fill('s');
          unsigned char buffer[80] = {};
          const auto stride = static_cast<ptrdiff_t>(page_size() + 40);
          unsigned char* const first = memory.bad() - 40;
          CHILD_CHECK(nosigbus_safe_read_2d(buffer, 40, first, stride, 40, 2) == 80);
          CHILD_CHECK(buffer[79] == 's');
          CHILD_CHECK(nosigbus_safe_write_2d(first, stride, buffer, 40, 40, 2) == 80);
          CHILD_CHECK(nosigbus_safe_read_2d(buffer, 40, first + stride, -stride, 40, 2) == 80);
          CHILD_CHECK(met_nothing());
          return 0;
        }) == exited(0));
}

TEST_CASE("no rows, empty rows and more than there can be touch nothing") {
  unsigned char byte = 'x';
  for (const size_t rows : {size_t{0}, SIZE_MAX, SIZE_MAX / 2 + 1}) {
    CHECK(nosigbus_safe_read_2d(&byte, 2, nullptr, 2, rows == 0 ? 5 : 2, rows) == 0);
    CHECK(nosigbus_safe_write_2d(nullptr, 2, &byte, 2, rows == 0 ? 5 : 2, rows) == 0);
    CHECK(nosigbus_safe_read_2d(&byte, 0, nullptr, 0, 0, rows) == 0);
    CHECK(nosigbus_safe_write_2d(nullptr, 0, nullptr, 0, 0, rows) == 0);
    CHECK(met_nothing());
  }
  CHECK(byte == 'x');
}

TEST_CASE("the side that is not guarded kills, and so does a bad byte without a handler") {
  for (const entry how : entries) {
    CHECK(in_child([&] {
            enter_by(how, NOSIGBUS_CATCH_SEGV);
            const arena memory(badness::truncated);
            unsigned char buffer[64] = {};
            nosigbus_safe_read_2d(memory.bad() - 8, 9, buffer, 16, 8, 2);
            return 0;
          }) == killed_by(SIGBUS));
    CHECK(in_child([&] {
            enter_by(how);
            const arena memory(badness::protected_page);
            unsigned char buffer[64] = {};
            nosigbus_safe_read_2d(buffer, 16, memory.bad() - 8, 9, 8, 2);
            return 0;
          }) == killed_by(SIGSEGV));
  }
  CHECK(in_child([] {
          const arena memory(badness::truncated);
          unsigned char buffer[64] = {};
          nosigbus_safe_write_2d(memory.bad() - 8, 9, buffer, 16, 8, 2);
          return 0;
        }) == killed_by(SIGBUS));
}

TEST_CASE("zeros that a region supplies to rows are reported, those between rows are not") {
  with_each_region([](origin from) {
    const size_t page = page_size();
    const shared_file file(page);
    const nosigbus::region region = make_region(from, file, 8 * page);
    unsigned char* const s = static_cast<unsigned char*>(region.data());
    std::vector<unsigned char> dst(3 * 40, 'x');
    const auto stride = static_cast<ptrdiff_t>(page);
    const auto tells = [](const unsigned char* first) {
      return nosigbus::last_fault().cause == NOSIGBUS_EOF &&
             nosigbus::last_fault().address == reinterpret_cast<uintptr_t>(first);
    };
    // Twice: with the overlay made meanwhile, and with it there already.
    for (int i = 0; i < 2; ++i) {
      CHILD_CHECK(nosigbus::safe_read_2d(dst.data(), 40, s + 8, stride, 40, 3) == 120);
      CHILD_CHECK(tells(s + 8 + page));
      CHILD_CHECK(dst[39] != 0 && dst[40] == 0 && dst[119] == 0);
      // Upwards: the last row comes first.
      CHILD_CHECK(nosigbus::safe_read_2d(dst.data(), 40, s + 8 + 2 * page, -stride, 40, 3) == 120);
      CHILD_CHECK(tells(s + 8 + 2 * page));
    }
    CHILD_CHECK(nosigbus::safe_read_2d(dst.data(), 40, s + 8, 100, 40, 3) == 120);
    CHILD_CHECK(met_nothing());
  });
}

TEST_CASE("with NOSIGBUS_CLIP rows behind the end of file are zero") {
  with_each_region([](origin from) {
    if (from == origin::adopted_without_fd) return;  // the size is not known
    const clipped_page clipped(from);
    std::vector<unsigned char> dst(80, 'y');
    CHILD_CHECK(nosigbus::safe_read_2d(dst.data(), 20, clipped.data(), 45, 20, 4) == 80);
    for (size_t i = 0; i < 80; ++i) {
      const size_t at = i / 20 * 45 + i % 20;
      CHILD_CHECK(dst[i] == (at < 100 ? pattern(at) : 0));
    }
  });
}

TEST_CASE("with NOSIGBUS_CLIP a later row in the same place is not zeroed for an earlier one") {
  with_each_region([](origin from) {
    if (from == origin::adopted_without_fd) return;  // the size is not known
    const clipped_page clipped(from);
    for (const ptrdiff_t step : {0, 5, -5}) {
      // From behind the end of the file into it: the last row is all data.
      std::vector<unsigned char> dst(40, 'y');
      unsigned char* const first = dst.data() + 10;
      CHILD_CHECK(nosigbus::safe_read_2d(first, step, clipped.data() + 200, -75, 20, 3) == 60);
      for (size_t i = 0; i < 20; ++i)
        CHILD_CHECK(first[2 * step + static_cast<ptrdiff_t>(i)] == pattern(50 + i));
    }
  });
}

TEST_CASE("with NOSIGBUS_CLIP the rows in front of a bad byte are clipped too") {
  for (const entry how : entries) {
    CHECK(in_child([how] {
            enter_by(how, NOSIGBUS_CATCH_SEGV);
            const size_t page = page_size();
            const arena memory(badness::protected_page);
            unsigned char* const s = memory.bad() - page;
            shared_file file(page);
            CHILD_CHECK(mmap(s, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.fd(), 0) == s);
            auto region = nosigbus::region::adopt(s, page, file.fd(), NOSIGBUS_CLIP);
            CHILD_CHECK(region);
            file.resize(100);
            memset(s + 100, 'x', page - 100);
            std::vector<unsigned char> dst(60, 'y');
            // Rows: the file's, behind its end, and on to the bad page.
            const auto stride = static_cast<ptrdiff_t>(page / 2 - 5);
            CHILD_CHECK(nosigbus::safe_read_2d(dst.data(), 20, s, stride, 20, 3) == 50);
            memory.check_record(NOSIGBUS_READ, memory.bad());
            for (size_t i = 0; i < 60; ++i) CHILD_CHECK(dst[i] == (i < 20 ? pattern(i) : 0));
            return 0;
          }) == exited(0));
  }
}
