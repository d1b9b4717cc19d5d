// SPDX-License-Identifier: MIT
//
// What the guarded operations do, byte by byte.
#pragma once

#include <nosigbus/copy.h>

#include <cstddef>
#include <cstdint>

#include "copy/memory.h"

namespace fuzz::model {

struct place {
  memory* in;
  size_t at;  // offset

  place operator+(size_t n) const { return {in, at + n}; }
  uint8_t* address() const { return in->data() + at; }
};

// What an operation returns, and what its record says.
struct result {
  size_t count = 0;
  nosigbus_cause cause = NOSIGBUS_NONE;
  uintptr_t address = 0;
  nosigbus_access access = NOSIGBUS_ACCESS_UNKNOWN;
  uintptr_t or_address = 0;  // where either is right
  nosigbus_cause or_cause = NOSIGBUS_NONE;

  void met(const place& bad, nosigbus_access how) {
    cause = bad.in->cause();
    address = reinterpret_cast<uintptr_t>(bad.address());
    access = how;
  }
};

// Rows of `row` bytes; of one row: n bytes.
struct shape {
  size_t row, rows;
  ptrdiff_t dst_stride, src_stride;

  size_t size() const { return row * rows; }
  static size_t offset(size_t index, size_t row, ptrdiff_t stride) {
    return static_cast<size_t>(static_cast<ptrdiff_t>(index / row) * stride) + index % row;
  }
  place dst(const place& first, size_t index) const { return first + offset(index, row, dst_stride); }
  place src(const place& first, size_t index) const { return first + offset(index, row, src_stride); }
};
inline shape line(size_t n) { return {n == 0 ? 1 : n, n == 0 ? size_t{0} : 1, 0, 0}; }

inline result read(const place& dst, const place& src, const shape& what) {
  result out;
  for (; out.count < what.size(); ++out.count) {
    const place from = what.src(src, out.count);
    if (!from.in->readable(from.at)) {
      out.met(from, NOSIGBUS_READ);
      break;
    }
    if (from.in->supplied(from.at) && out.cause == NOSIGBUS_NONE) out.met(from, NOSIGBUS_READ);
    const place to = what.dst(dst, out.count);
    to.in->put(to.at, (*from.in)[from.at]);
  }
  for (size_t i = out.count; i < what.size(); ++i) {
    const place to = what.dst(dst, i);
    to.in->put(to.at, 0);
  }
  return out;
}

inline result write(const place& dst, const place& src, const shape& what) {
  result out;
  for (; out.count < what.size(); ++out.count) {
    const place from = what.src(src, out.count), to = what.dst(dst, out.count);
    if (!to.in->writable(to.at)) {
      out.met(to, NOSIGBUS_WRITE);
      break;
    }
    to.in->put(to.at, from.in->raw(from.at));
  }
  return out;
}

inline result copy(const place& dst, const place& src, size_t n) {
  result out;
  for (; out.count < n; ++out.count) {
    const place from = src + out.count, to = dst + out.count;
    const bool bad_source = !from.in->readable(from.at), bad_target = !to.in->writable(to.at);
    if (bad_source || bad_target) {
      out.met(bad_source ? from : to, bad_source ? NOSIGBUS_READ : NOSIGBUS_WRITE);
      if (!bad_source) return out;
      break;
    }
    if (from.in->supplied(from.at) && out.cause == NOSIGBUS_NONE) out.met(from, NOSIGBUS_READ);
    to.in->put(to.at, (*from.in)[from.at]);
  }
  for (size_t i = out.count; i < n && dst.in->writable(dst.at + i); ++i) dst.in->put(dst.at + i, 0);
  return out;
}

inline result fill(const place& dst, uint8_t byte, size_t n) {
  result out;
  for (; out.count < n; ++out.count) {
    const place to = dst + out.count;
    if (!to.in->writable(to.at)) {
      out.met(to, NOSIGBUS_WRITE);
      break;
    }
    to.in->put(to.at, byte);
  }
  return out;
}

inline result search(const place& s, uint8_t byte, size_t n) {
  result out;
  for (; out.count < n; ++out.count) {
    const place at = s + out.count;
    if (!at.in->readable(at.at)) {
      out.met(at, NOSIGBUS_READ);
      break;
    }
    if (at.in->supplied(at.at) && out.cause == NOSIGBUS_NONE) out.met(at, NOSIGBUS_READ);
    if ((*at.in)[at.at] == byte) break;
  }
  return out;
}

inline result copy_string(const place& dst, const place& src, size_t n) {
  const result out = search(src, 0, n);
  for (size_t i = 0; i < n; ++i) dst.in->put(dst.at + i, i < out.count ? (*src.in)[src.at + i] : 0);
  return out;
}

inline result compare(const place& a, const place& b, size_t n) {
  result out;
  for (; out.count < n; ++out.count) {
    bool bad = false;
    for (const place& side : {a + out.count, b + out.count}) {
      const bool unreadable = !side.in->readable(side.at);
      if (!unreadable && !side.in->supplied(side.at)) continue;
      const bool first = out.cause == NOSIGBUS_NONE || (unreadable && !bad);
      if (first) {
        out.met(side, NOSIGBUS_READ);
        out.or_address = 0;
      } else if (out.address == reinterpret_cast<uintptr_t>((a + out.count).address()) &&
                 (unreadable || !bad)) {
        out.or_address = reinterpret_cast<uintptr_t>(side.address());
        out.or_cause = side.in->cause();
      }
      bad |= unreadable;
    }
    if (bad) break;
    if ((*a.in)[a.at + out.count] != (*b.in)[b.at + out.count]) break;
  }
  return out;
}

}  // namespace fuzz::model
