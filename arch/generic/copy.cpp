// SPDX-License-Identifier: MIT
//
// Guarded copies and fill for any machine: a recovery point around a plain loop.
//
// size_t nosigbus_copy_{read,write,both}(void* dst, const void* src, size_t n)
// size_t nosigbus_fill_guarded(void* dst, int byte, size_t n)
//
// Contract: returns the number of bytes done in front of the first byte that could not be loaded (read),
// stored (write), or either (both); n when all were. Exact to the byte at any fault. Behind it nothing has
// been stored. Source and destination do not overlap. A fault on the side that is not guarded is an ordinary
// fault.
#include <nosigbus/fault.h>
#include <src/shared/recovery_point.h>

#include "loops.h"

extern "C" {
size_t nosigbus_copy_read(void* dst, const void* src, size_t n);
size_t nosigbus_copy_write(void* dst, const void* src, size_t n);
size_t nosigbus_copy_both(void* dst, const void* src, size_t n);
size_t nosigbus_fill_guarded(void* dst, int byte, size_t n);
}

namespace {

using namespace nosigbus;

constexpr guarded_range nothing{0, 0, NOSIGBUS_ACCESS_UNKNOWN};

guarded_range reads(const void* src, size_t n) {
  return {reinterpret_cast<uintptr_t>(src), n, NOSIGBUS_READ};
}
guarded_range writes(void* dst, size_t n) { return {reinterpret_cast<uintptr_t>(dst), n, NOSIGBUS_WRITE}; }

size_t copy(void* dst, const void* src, size_t n, const guarded_range& a, const guarded_range& b) {
  recovery_point point;
  volatile size_t done = 0;
  point.guarded[0] = a;
  point.guarded[1] = b;
  recovery::begin(point);
  if (_setjmp(point.context.registers) == 0) {
    nosigbus_guarded_copy(&done, reinterpret_cast<uintptr_t>(dst), reinterpret_cast<uintptr_t>(src), n);
  } else {
    recovery::restore_signal_state(point.context);
  }
  recovery::end(point);
  return done;
}

}  // namespace

size_t nosigbus_copy_read(void* dst, const void* src, size_t n) {
  return copy(dst, src, n, reads(src, n), nothing);
}
size_t nosigbus_copy_write(void* dst, const void* src, size_t n) {
  return copy(dst, src, n, writes(dst, n), nothing);
}
size_t nosigbus_copy_both(void* dst, const void* src, size_t n) {
  return copy(dst, src, n, reads(src, n), writes(dst, n));
}

size_t nosigbus_fill_guarded(void* dst, int byte, size_t n) {
  const uint64_t bytes = static_cast<unsigned char>(byte) * uint64_t{0x0101'0101'0101'0101};
  recovery_point point;
  volatile size_t done = 0;
  point.guarded[0] = writes(dst, n);
  point.guarded[1] = nothing;
  recovery::begin(point);
  if (_setjmp(point.context.registers) == 0) {
    nosigbus_guarded_fill(&done, reinterpret_cast<uintptr_t>(dst), bytes, n);
  } else {
    recovery::restore_signal_state(point.context);
  }
  recovery::end(point);
  return done;
}
