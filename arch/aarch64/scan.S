// SPDX-License-Identifier: MIT
//
// Guarded searches for aarch64 (Advanced SIMD).
//
// size_t nosigbus_safe_strnlen(const char* s, size_t max)
// size_t nosigbus_safe_memchr(const void* s, int c, size_t n)
//
// Contract: those of scan.h, the fault record included. Returns the index of the first byte that is the
// one sought (NUL, c) or that could not be loaded; n when there is neither. Exact to the byte at any fault.
// A fault ends the search, so there was one exactly when the byte at the answer could not be loaded. No
// byte outside [s, s + n), or behind the answer, is touched, except in the aligned 16 that hold one of the
// bytes up to it. What was met is completed, in the place of this routine, by
//
// size_t nosigbus_search_met(const void* s, size_t n, size_t index, uint64_t census_before, int c)
//
//   x0   s              x1   n             x2  index: the answer      x9  the census before
//   x3   at: the vectors looked at; everything in front of them is known not to be the byte sought
//   x4   bytes left from `at`; in the loop, 64 less
//   x5   the bits of a vector's bytes that are the one sought, four of each     v0  that byte, everywhere
//   x6   scratch
//
// Algorithm: aligned vectors, from the one that s is in, each looked at before the next is loaded; while
// there are more than 64 bytes, without asking where the end is. An aligned vector neither lies on two
// pages nor, under memory tagging, on two granules: a fault in one says that its first byte is bad (s, in
// the first), and nothing is met that belongs to somebody else. Looking at several at once would be faster
// and touch tags behind the byte that is found. Narrowing each 16 bits of a comparison by a shift of four
// leaves 64 bits, in the order of the bytes.
//
// s may have an address tag, which every address made from it keeps; only differences are looked at. Bytes
// are counted, since s + n may wrap.
#include "asm.h"
#include "scan.inc"

// x5 = which bytes of vector K are the one sought.
.macro LOOK k, landing
  GUARDED NOSIGBUS_ROW_READ, \landing, ldr q1, [x3, #16 * \k]
  cmeq v1.16b, v1.16b, v0.16b
  shrn v1.8b, v1.8h, #4
  fmov x5, d1
.endm

// n in x1, the byte sought in v0.
.macro SEARCH name
  BEGIN
  cbz x1, .L_nothing_\name
  and x3, x0, #-16
  LOOK 0, .E_first_\name
  lsl x6, x0, #2
  lsr x5, x5, x6               // without the bytes in front of s: four bits each, modulo 64
  cbnz x5, .L_in_first_\name
  and x6, x0, #15
  sub x6, x6, #16
  adds x4, x1, x6
  b.ls .L_none_\name
  add x3, x3, #16
  subs x4, x4, #64
  b.ls .L_rest_\name
  .p2align 4
.L_loop_\name:
  .irp k, 0, 1, 2, 3
  LOOK \k, .E_\name\()_\k
  cbnz x5, .L_found_\name\()_\k
  .endr
  add x3, x3, #64
  subs x4, x4, #64
  b.hi .L_loop_\name

.L_rest_\name:                 // 1...64
  add x4, x4, #64
  .irp k, 0, 1, 2, 3
  LOOK \k, .E_\name\()_\k
  cbnz x5, .L_found_\name\()_\k
  .if \k - 3
  cmp x4, #16 * (\k + 1)
  b.ls .L_none_\name
  .endif
  .endr
.L_none_\name:
  mov x2, x1
  LEAVE x2, .L_met_\name

.L_found_\name\()_3:
  add x3, x3, #16
.L_found_\name\()_2:
  add x3, x3, #16
.L_found_\name\()_1:
  add x3, x3, #16
.L_found_\name\()_0:
  rbit x5, x5
  clz x5, x5
  sub x2, x3, x0
  add x2, x2, x5, lsr #2
  cmp x2, x1
  csel x2, x2, x1, lo          // behind the end, in the last vector
  LEAVE x2, .L_met_\name

.L_in_first_\name:             // its bits count from s on
  mov x3, x0
  b .L_found_\name\()_0
.L_nothing_\name:
  mov x0, #0
  ret

.E_first_\name:
  mov x2, #0
  b .L_met_\name
.E_\name\()_3:
  add x3, x3, #16
.E_\name\()_2:
  add x3, x3, #16
.E_\name\()_1:
  add x3, x3, #16
.E_\name\()_0:
  sub x2, x3, x0
.L_met_\name:
  mov x3, x9
  umov w4, v0.b[0]
  b nosigbus_search_met
.endm

  .text
FUNCTION nosigbus_safe_strnlen, protected
  movi v0.2d, #0
SEARCH strnlen
END_FUNCTION nosigbus_safe_strnlen

FUNCTION nosigbus_safe_memchr, protected
  dup v0.16b, w1
  mov x1, x2
SEARCH memchr
END_FUNCTION nosigbus_safe_memchr

END_OF_FILE
