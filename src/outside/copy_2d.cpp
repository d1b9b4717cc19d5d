// SPDX-License-Identifier: MIT
//
// Guarded copies of rectangles: row by row, with one record for all of it.
#include <nosigbus/copy.h>
#include <src/outside/overlay_report.h>
#include <src/shared/region.h>
#include <src/shared/routines.h>
#include <src/shared/thread_state.h>
#include <string.h>

using namespace nosigbus;

namespace {

// One side of the rectangle. Addresses may wrap in front of a row that is never reached, so they are
// computed as integers.
struct side {
  uintptr_t base;
  ptrdiff_t stride;

  uintptr_t row(size_t i) const { return base + i * static_cast<uintptr_t>(stride); }
  void* at(size_t i) const { return reinterpret_cast<void*>(row(i)); }
};

struct shape {
  size_t row_bytes, rows;

  // False where their product is more than a size.
  bool size(size_t& out) const { return !__builtin_mul_overflow(row_bytes, rows, &out); }
};

// The first and the end of all addresses between rows and in them.
struct extent {
  uintptr_t begin, end;
};
extent extent_of(const side& s, const shape& what) {
  const uintptr_t first = s.row(0), last = s.row(what.rows - 1);
  return s.stride < 0 ? extent{last, first + what.row_bytes} : extent{first, last + what.row_bytes};
}

// After all of it was copied: the zeros that overlays supplied to its rows, the first of them in row order.
void report_rows(const side& guarded, const shape& what, nosigbus_access access, uint64_t before) {
  const extent all = extent_of(guarded, what);
  report_overlays(all.begin, all.end, access, before);
  if (t_last_fault.cause == NOSIGBUS_NONE) return;
  t_last_fault.cause = NOSIGBUS_NONE;  // it may lie between the rows
  for (size_t i = 0; i < what.rows && t_last_fault.cause == NOSIGBUS_NONE; ++i) {
    report_overlays(guarded.row(i), guarded.row(i) + what.row_bytes, access, before);
  }
}

// Zeroes what the first `copied` bytes of rows have from behind the end of file (NOSIGBUS_CLIP).
void clip_rows(const side& dst, const side& src, const shape& what, size_t copied) {
  const extent all = extent_of(src, what);
  if (!clips(all.begin, all.end)) return;
  for (size_t i = 0; copied > 0; ++i) {
    const size_t n = copied < what.row_bytes ? copied : what.row_bytes;
    clip_to_file(dst.at(i), src.row(i), src.row(i) + n);
    copied -= n;
  }
}

// Copies row by row with `copy`, up to the first bad byte; its record then names that byte of `guarded`.
template <class Copy>
size_t copy_rows(const side& dst, const side& src, const side& guarded, const shape& what, Copy copy) {
  for (size_t i = 0; i < what.rows; ++i) {
    const size_t copied = copy(dst.at(i), src.at(i), what.row_bytes);
    if (__builtin_expect(copied != what.row_bytes, 0)) {
      t_last_fault.address = guarded.row(i) + copied;
      return i * what.row_bytes + copied;
    }
  }
  return what.rows * what.row_bytes;
}

void zero_rest(const side& dst, const shape& what, size_t copied) {
  const size_t row = copied / what.row_bytes, in_row = copied % what.row_bytes;
  memset(static_cast<char*>(dst.at(row)) + in_row, 0, what.row_bytes - in_row);
  for (size_t i = row + 1; i < what.rows; ++i) memset(dst.at(i), 0, what.row_bytes);
}

// Whether rows have bytes in common, of which the last row's stay.
bool rows_overlap(ptrdiff_t stride, const shape& what) {
  const size_t distance = stride < 0 ? size_t{0} - static_cast<size_t>(stride) : static_cast<size_t>(stride);
  return what.rows > 1 && distance < what.row_bytes;
}

bool contiguous(ptrdiff_t dst_stride, ptrdiff_t src_stride, const shape& what) {
  if (what.rows == 1) return true;
  return static_cast<size_t>(dst_stride) == what.row_bytes &&
         static_cast<size_t>(src_stride) == what.row_bytes;
}

size_t nothing() {
  t_last_fault.cause = NOSIGBUS_NONE;
  return 0;
}

}  // namespace

size_t nosigbus_safe_read_2d(void* dst, ptrdiff_t dst_stride, const void* src, ptrdiff_t src_stride,
                             size_t row_bytes, size_t rows) noexcept {
  const shape what{row_bytes, rows};
  size_t size;
  if (!what.size(size) || size == 0) return nothing();
  if (contiguous(dst_stride, src_stride, what)) return nosigbus_safe_read(dst, src, size);
  const side to{reinterpret_cast<uintptr_t>(dst), dst_stride};
  const side from{reinterpret_cast<uintptr_t>(src), src_stride};
  const uint64_t before = g_overlay_census.read();
  // Zeros of a row must not be left in what a later row has brought to the same place.
  const bool clip_each = rows_overlap(dst_stride, what);
  const auto copy = [clip_each, before](void* row, const void* source, size_t n) {
    const size_t done = nosigbus_routines.copy_read(row, source, n);
    if (__builtin_expect(clip_each && overlays_since(before), 0)) {
      const uintptr_t begin = reinterpret_cast<uintptr_t>(source);
      clip_to_file(row, begin, begin + done);
    }
    return done;
  };
  const size_t copied = copy_rows(to, from, from, what, copy);
  if (__builtin_expect(copied == size, 1)) t_last_fault.cause = NOSIGBUS_NONE;
  if (__builtin_expect(overlays_since(before), 0)) {
    if (copied == size) report_rows(from, what, NOSIGBUS_READ, before);
    if (!clip_each) clip_rows(to, from, what, copied);
  }
  if (__builtin_expect(copied != size, 0)) zero_rest(to, what, copied);
  return copied;
}

size_t nosigbus_safe_write_2d(void* dst, ptrdiff_t dst_stride, const void* src, ptrdiff_t src_stride,
                              size_t row_bytes, size_t rows) noexcept {
  const shape what{row_bytes, rows};
  size_t size;
  if (!what.size(size) || size == 0) return nothing();
  if (contiguous(dst_stride, src_stride, what)) return nosigbus_safe_write(dst, src, size);
  const side to{reinterpret_cast<uintptr_t>(dst), dst_stride};
  const side from{reinterpret_cast<uintptr_t>(src), src_stride};
  const uint64_t before = g_overlay_census.read();
  const size_t copied = copy_rows(to, from, to, what, nosigbus_routines.copy_write);
  if (__builtin_expect(copied != size, 0)) return copied;
  t_last_fault.cause = NOSIGBUS_NONE;
  if (__builtin_expect(overlays_since(before), 0)) report_rows(to, what, NOSIGBUS_WRITE, before);
  return copied;
}
