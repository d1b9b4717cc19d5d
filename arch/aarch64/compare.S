// SPDX-License-Identifier: MIT
//
// Guarded comparison for aarch64 (Advanced SIMD).
//
// size_t nosigbus_safe_memcmp(const void* a, const void* b, size_t n)
//
// Contract: that of scan.h, the fault record included. Returns the index of the first byte that differs or
// that could not be loaded; n when there is neither. Exact to the byte at any fault. No byte outside
// [a, a + n) and [b, b + n) is touched. What was met is completed, in the place of this routine, by
//
// size_t nosigbus_compare_met(const void* a, const void* b, size_t n, size_t index,
//                             uint64_t census_before, int bad)
//
// bad: 0, or whose byte at index could not be loaded: 1 a's, 2 b's. There may have been a fault behind
// index, and bad is then 0.
//
//   x0   a              x1   b             x2  n           x9  the census before
//   x3   same: every byte in front of it is known to be the same on both sides; at last, the answer
//   x4   a + same       x5   b + same      both with vectors, in the place of x3
//   x6   bytes of a; what differs          x7  bytes of b
//   x8   in the loop, bytes left from x4, 64 less
//   v0...v3  vectors of a; what differs    v4...v7  vectors of b       v16  scratch
//
// Algorithm: up to 64 bytes, one unit of 1, 4, 8, 16 or 32 from the front and one from the back, overlapping
// (below 4, one from the middle as well). Above, 64 from the front, then 64 at a time with a's aligned to 16,
// and the last 64, overlapping.
//
// Units may lie on two pages, and `same` on the one that is good: the landing pad compares byte by byte
// from `same` on, and only a fault that this meets counts. a and b may have address tags, which every
// address made from them keeps; only differences are looked at. Bytes are counted, since a + n may wrap.
#include "asm.h"
#include "scan.inc"

#define LOAD GUARDED NOSIGBUS_ROW_READ,

// Goes to the answer when the bytes at `same` differ. r: x6 and x7, or their halves.
.macro BYTES load, r
  LOAD .E_bytes, \load \r\()6, [x0, x3]
  LOAD .E_bytes, \load \r\()7, [x1, x3]
  eor x6, x6, x7
  cbnz x6, .L_bytes_differ
.endm

// x6 = which bytes of vK are not 0, four bits each.
.macro MASK k
  cmtst v\k\().16b, v\k\().16b, v\k\().16b
  shrn v\k\().8b, v\k\().8h, #4
  fmov x6, d\k
.endm

// Each goes to the answer when the vectors at x4 and x5 differ.
.macro VECTOR
  LOAD .E_vectors, ldr q0, [x4]
  LOAD .E_vectors, ldr q4, [x5]
  eor v0.16b, v0.16b, v4.16b
  MASK 0
  cbnz x6, .L_differ_0
.endm
.macro TWO_VECTORS
  LOAD .E_vectors, ldp q0, q1, [x4]
  LOAD .E_vectors, ldp q4, q5, [x5]
  eor v0.16b, v0.16b, v4.16b
  eor v1.16b, v1.16b, v5.16b
  orr v16.16b, v0.16b, v1.16b
  umaxp v16.4s, v16.4s, v16.4s
  fmov x6, d16
  cbnz x6, .L_one_of_them
.endm
.macro FOUR_VECTORS
  LOAD .E_vectors, ldp q0, q1, [x4]
  LOAD .E_vectors, ldp q2, q3, [x4, #32]
  LOAD .E_vectors, ldp q4, q5, [x5]
  LOAD .E_vectors, ldp q6, q7, [x5, #32]
  eor v0.16b, v0.16b, v4.16b
  eor v1.16b, v1.16b, v5.16b
  eor v2.16b, v2.16b, v6.16b
  eor v3.16b, v3.16b, v7.16b
  orr v4.16b, v0.16b, v1.16b
  orr v5.16b, v2.16b, v3.16b
  orr v16.16b, v4.16b, v5.16b
  umaxp v16.4s, v16.4s, v16.4s
  fmov x6, d16
  cbnz x6, .L_one_of_them
.endm

  .text
FUNCTION nosigbus_safe_memcmp, protected
  BEGIN
  cmp x2, #16
  b.lo .L_below_16
  mov x4, x0
  mov x5, x1
  cmp x2, #32
  b.hi .L_above_32

  // 16...32
  VECTOR
  sub x6, x2, #16
  add x4, x0, x6
  add x5, x1, x6
  VECTOR
.L_same:
  mov x3, x2
  LEAVE x3, .L_met

.L_above_32:
  cmp x2, #64
  b.hi .L_above_64

  // 33...64
  TWO_VECTORS
  sub x6, x2, #32
  add x4, x0, x6
  add x5, x1, x6
  TWO_VECTORS
  b .L_same

.L_above_64:
  FOUR_VECTORS
  add x6, x0, #64
  and x6, x6, #-16
  sub x6, x6, x0               // 49...64
  add x4, x0, x6
  add x5, x1, x6
  sub x8, x2, x6
  subs x8, x8, #64
  b.ls .L_last_64
  .p2align 4
.L_loop:
  FOUR_VECTORS
  add x4, x4, #64
  add x5, x5, #64
  subs x8, x8, #64
  b.hi .L_loop
.L_last_64:
  add x4, x4, x8
  add x5, x5, x8
  FOUR_VECTORS
  b .L_same

.L_below_16:
  mov x3, #0
  tbz x2, #3, .L_below_8
  BYTES ldr, x
  sub x3, x2, #8
  BYTES ldr, x
  b .L_same
.L_below_8:
  tbz x2, #2, .L_below_4
  BYTES ldr, w
  sub x3, x2, #4
  BYTES ldr, w
  b .L_same
.L_below_4:                    // the first, the middle and the last byte, which may be the same
  cbz x2, .L_nothing
  BYTES ldrb, w
  lsr x3, x2, #1
  BYTES ldrb, w
  sub x3, x2, #1
  BYTES ldrb, w
  b .L_same

.L_nothing:
  mov x0, #0
  ret

.L_bytes_differ:
  rbit x6, x6
  clz x6, x6
  add x3, x3, x6, lsr #3
  LEAVE x3, .L_met

.L_one_of_them:
  .irp k, 0, 1, 2
  MASK \k
  cbnz x6, .L_differ_\k
  .endr
  MASK 3
  add x4, x4, #16
.L_differ_2:
  add x4, x4, #16
.L_differ_1:
  add x4, x4, #16
.L_differ_0:
  rbit x6, x6
  clz x6, x6
  sub x3, x4, x0
  add x3, x3, x6, lsr #2
  LEAVE x3, .L_met

.E_vectors:
  sub x3, x4, x0
.E_bytes:
  cmp x3, x2
  b.hs .L_met
  LOAD .E_a, ldrb w6, [x0, x3]
  LOAD .E_b, ldrb w7, [x1, x3]
  cmp w6, w7
  b.ne .L_met
  add x3, x3, #1
  b .E_bytes
.L_met:
  mov w5, #0
.L_completed:
  mov x4, x9
  b nosigbus_compare_met
.E_a:
  mov w5, #1
  b .L_completed
.E_b:
  mov w5, #2
  b .L_completed
END_FUNCTION nosigbus_safe_memcmp

END_OF_FILE
