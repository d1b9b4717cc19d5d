// SPDX-License-Identifier: MIT
//
// Guarded comparison for x86_64, with vectors of 16 bytes (SSE2) and of 32 (AVX2).
//
// size_t nosigbus_memcmp_avx2(const void* a, const void* b, size_t n)
// size_t nosigbus_watched_memcmp_{sse2,avx2}(const void* a, const void* b, size_t n)
//
// Contract: that of scan.h, the fault record included. Returns the index of the first byte that differs or
// that could not be loaded; n when there is neither. Exact to the byte at any fault. No byte outside
// [a, a + n) and [b, b + n) is touched, except on pages that hold the first byte of either. What was met is
// completed, in the place of this routine, by
//
// size_t nosigbus_compare_met(const void* a, const void* b, size_t n, size_t index,
//                             uint64_t census_before, int bad)
//
// bad: 0, or whose byte at index could not be loaded: 1 a's, 2 b's. There may have been a fault behind
// index, and bad is then 0.
//
//   rdi  a              rsi  b              rdx  n
//   rcx  same (0 from BEGIN): every byte in front of it is known to be the same on both sides
//   r8   end of the loop    r9  a - b       r10  b + same, both in the loop   r11  the census before
//   rax  result; 0, or 1 as lowest bit at the first byte of a vector that differs
//
// Algorithm: up to one vector, one vector across whatever is behind n, unless that may be another page.
// Up to four, as many from both ends, overlapping, looked at together. Above, the first four, then four at a
// time with b's aligned, and the last four, overlapping. Subtracting `all` from the bits of a vector's same
// bytes moves the lowest 0 to the lowest 1. `tzcnt` is never given 0, which lets processors without it run it
// as `bsf`.
//
// Vectors may lie on two pages, and `same` on the one that is good: the landing pad compares byte by byte
// from `same` on, and only a fault that this meets counts.
#include "asm.h"
#include "vector.inc"

// all: the bits of a vector whose bytes are all the same.
.macro COMPARE id, isa, size, all, kind
  BEGIN \id, \kind
  cmp $\size, %rdx
  ja .L_long_\id
  mov %edi, %eax
  or %esi, %eax
  and $4095, %eax
  cmp $4096 - \size, %eax
  ja .L_bytes_\id              // one of them may be that near to the end of its page
  test %rdx, %rdx
  jz .L_nothing_\id
  SAME_OF_BOTH \isa, 1, 0, .E_vector_\id
  MASK \isa, 1
  sub $\all, %eax
  bts %rdx, %rax               // what is not behind n counts, and n itself
  tzcnt %rax, %rax
  LEAVE \isa, \kind, .L_met_\id

.L_long_\id:                   // rcx is 0
  SAME_OF_BOTH \isa, 1, 0, .E_vector_\id
  cmp $2 * \size, %rdx
  ja .L_above_2_\id
  SAME_OF_BOTH \isa, 4, -\size, .E_vector_\id, "%rdi,%rdx", "%rsi,%rdx"
  AND_OF_TWO \isa, 1, 4
  MASK \isa, 5
  sub $\all, %eax
  jnz .L_at_both_ends_\id
  mov %rdx, %rax
  LEAVE \isa, \kind, .L_met_\id

.L_above_2_\id:
  SAME_OF_BOTH \isa, 2, \size, .E_vector_\id
  cmp $4 * \size, %rdx
  ja .L_above_4_\id
  SAME_OF_BOTH \isa, 3, -2*\size, .E_vector_\id, "%rdi,%rdx", "%rsi,%rdx"
  SAME_OF_BOTH \isa, 4, -\size, .E_vector_\id, "%rdi,%rdx", "%rsi,%rdx"
  COMBINE \isa, and
  MASK \isa, 5
  sub $\all, %eax
  jnz .L_at_both_ends_\id
  mov %rdx, %rax
  LEAVE \isa, \kind, .L_met_\id

.L_above_4_\id:
  SAME_OF_BOTH \isa, 3, 2*\size, .E_vector_\id
  SAME_OF_BOTH \isa, 4, 3*\size, .E_vector_\id
  COMBINE \isa, and
  MASK \isa, 5
  sub $\all, %eax
  jnz .L_one_of_four_\id
  cmp $8 * \size, %rdx
  ja .L_loops_\id
.L_last_4_\id:
  lea -4 * \size(%rdx), %rcx
  .irp k, 1, 2, 3, 4
  SAME_OF_BOTH \isa, \k, (\k-1)*\size, .E_vector_\id
  .endr
  COMBINE \isa, and
  MASK \isa, 5
  sub $\all, %eax
  jnz .L_one_of_four_\id
  mov %rdx, %rax
  LEAVE \isa, \kind, .L_met_\id, 1

.L_at_both_ends_\id:           // one of the first two, where there are four; or of the last two
  MASK \isa, 1
  sub $\all, %eax
  jnz .L_back_\id\()_1
  lea -\size(%rdx), %rcx
  cmp $2 * \size, %rdx
  jbe .L_last_differs_\id
  MASK \isa, 2
  sub $\all, %eax
  mov $\size, %ecx
  jnz .L_back_\id\()_1
  MASK \isa, 3
  sub $\all, %eax
  lea -2 * \size(%rdx), %rcx
  jnz .L_back_\id\()_1
  lea -\size(%rdx), %rcx
.L_last_differs_\id:
  MASK \isa, 4
  sub $\all, %eax
  jmp .L_back_\id\()_1

.L_loops_\id:
  mov %rdi, %r9
  sub %rsi, %r9
  lea 4 * \size(%rsi), %r10
  and $-\size, %r10
  mov %rsi, %r8
  add %rdx, %r8
  jc .L_endless_\id
  sub $4 * \size, %r8
  .p2align 6
.L_loop_\id:
  .irp k, 1, 2, 3, 4
  SAME_OF_BOTH \isa, \k, (\k-1)*\size, .E_loop_\id, "%r10", "%r10,%r9"
  .endr
  COMBINE \isa, and
  MASK \isa, 5
  sub $\all, %eax
  jnz .L_in_loop_\id
  sub $-4 * \size, %r10
  cmp %r8, %r10
  jb .L_loop_\id
  jmp .L_last_4_\id

.L_in_loop_\id:
  mov %r10, %rcx
  sub %rsi, %rcx
.L_one_of_four_\id:
  .irp k, 1, 2, 3, 4
  MASK \isa, \k
  sub $\all, %eax
  .if \k - 4
  jnz .L_back_\id\()_\k
  .endif
  .endr
  add $\size, %rcx
.L_back_\id\()_3:
  add $\size, %rcx
.L_back_\id\()_2:
  add $\size, %rcx
.L_back_\id\()_1:
  tzcnt %eax, %eax
  add %rcx, %rax
  LEAVE \isa, \kind, .L_met_\id, 1

.L_nothing_\id:
  xor %eax, %eax
  ret
.L_endless_\id:                // an end that wraps is the last address
  mov $-1, %r8
  jmp .L_loop_\id

.E_loop_\id:
  mov %r10, %rcx
  sub %rsi, %rcx
.E_vector_\id:
  END_OF_VECTORS \isa
.L_bytes_\id:
  cmp %rdx, %rcx
  jae .L_end_\id
  GUARDED NOSIGBUS_ROW_READ, .E_a_\id, movzbl (%rdi,%rcx), %eax
  GUARDED NOSIGBUS_ROW_READ, .E_b_\id, cmpb (%rsi,%rcx), %al
  jne .L_end_\id
  inc %rcx
  jmp .L_bytes_\id
.L_end_\id:
  mov %rcx, %rax
.L_met_\id:
  xor %r9d, %r9d
.L_bad_\id:
  mov %rax, %rcx
  CENSUS_BEFORE \kind, r8, r8d
  jmp nosigbus_compare_met
.E_a_\id:
  mov %rcx, %rax
  mov $1, %r9d
  jmp .L_bad_\id
.E_b_\id:
  mov %rcx, %rax
  mov $2, %r9d
  jmp .L_bad_\id
.endm

  .text
FUNCTION nosigbus_watched_memcmp_sse2
COMPARE memcmp_sse2, sse2, 16, 0xffff, WATCHED
END_FUNCTION nosigbus_watched_memcmp_sse2

FUNCTION nosigbus_watched_memcmp_avx2
COMPARE memcmp_avx2, avx2, 32, -1, WATCHED
END_FUNCTION nosigbus_watched_memcmp_avx2

ATTENTION memcmp, WATCHED_MEMCMP
FUNCTION nosigbus_memcmp_avx2
COMPARE memcmp, avx2, 32, -1, PUBLIC
END_FUNCTION nosigbus_memcmp_avx2

END_OF_FILE
