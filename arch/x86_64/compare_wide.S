// SPDX-License-Identifier: MIT
//
// Guarded comparison for x86_64, with vectors of 64 bytes and masks (AVX-512 with BW; BMI2).
//
// size_t nosigbus_memcmp_avx512(const void* a, const void* b, size_t n)
// size_t nosigbus_watched_memcmp_avx512(const void* a, const void* b, size_t n)
//
// Contract: that of compare.S; no byte outside [a, a + n) and [b, b + n) is touched at all.
//
//   rdi  a              rsi  b              rdx  n
//   rcx  same (0 from BEGIN): every byte in front of it is known to be the same on both sides
//   r8   end of the loop    r9  a - b       r10  b + same, both in the loop   r11  the census before
//   rax  result; the bits of a vector's bytes that are the same, or that differ
//
// Algorithm: up to one vector, one, of which a mask leaves out what is behind n: no byte that is masked out
// faults. Adding 1 to the bits of the same bytes moves the lowest 0 to the lowest 1; of 0 `tzcnt` makes what
// it was given bits. Up to four vectors, as many from both ends, overlapping, looked at together. Above, the
// first four, then four at a time with b's aligned, and the last four, overlapping.
//
// Vectors may lie on two pages, and `same` on the one that is good: the landing pad compares byte by byte
// from `same` on, and only a fault that this meets counts.
//
// What is up to 32 bytes long is compared within the first 64 of code (docs/decisions-copies.md).
#include "asm.h"
#include "vector.inc"

// k\k = bytes of a and of b that differ, `at` behind (a) and (b).
.macro DIFFER k, at, landing, a="%rdi,%rcx", b="%rsi,%rcx"
  GUARDED NOSIGBUS_ROW_READ, \landing, vmovdqu64 \at(\a), %zmm16
  GUARDED NOSIGBUS_ROW_READ, \landing, vpcmpneqb \at(\b), %zmm16, %k\k
.endm

// rax = the answer for up to one vector. With -1 in rax. rax, rdx: these, or their lower halves, as wide as a mask;
// move: what moves masks of that width.
.macro MASKED landing, v, move, rax, rdx
  bzhi %\rdx, %\rax, %\rax
  \move %\rax, %k1
  GUARDED NOSIGBUS_ROW_READ, \landing, vmovdqu8 (%rdi), %\v\()16{%k1}{z}
  GUARDED NOSIGBUS_ROW_READ, \landing, vpcmpeqb (%rsi), %\v\()16, %k0{%k1}
  \move %k0, %\rax
  inc %\rax
  tzcnt %\rax, %\rax
.endm

.macro COMPARE id, kind
  BEGIN \id, \kind
  cmp $32, %rdx
  ja .L_above_32_\id
  lea -1(%rcx), %eax
  MASKED .E_vector_\id, ymm, kmovd, eax, edx
  LEAVE avx512, \kind, .L_met_\id

  .p2align 6
.L_above_32_\id:
  cmp $64, %rdx
  ja .L_above_64_\id
  lea -1(%rcx), %rax
  MASKED .E_vector_\id, zmm, kmovq, rax, rdx
  LEAVE avx512, \kind, .L_met_\id

  .p2align 5
.L_above_64_\id:
  DIFFER 1, 0, .E_vector_\id, "%rdi", "%rsi"
  cmp $2*64, %rdx
  ja .L_above_2_\id
  DIFFER 4, -64, .E_vector_\id, "%rdi,%rdx", "%rsi,%rdx"
  kortestq %k1, %k4
  jnz .L_two_differ_\id
  mov %rdx, %rax
  LEAVE avx512, \kind, .L_met_\id

  .p2align 6
.L_above_2_\id:
  DIFFER 2, 64, .E_vector_\id, "%rdi", "%rsi"
  cmp $4*64, %rdx
  ja .L_above_4_\id
  DIFFER 3, -2*64, .E_vector_\id, "%rdi,%rdx", "%rsi,%rdx"
  DIFFER 4, -64, .E_vector_\id, "%rdi,%rdx", "%rsi,%rdx"
  korq %k1, %k2, %k5
  korq %k3, %k4, %k6
  kortestq %k5, %k6
  jnz .L_four_differ_\id
  mov %rdx, %rax
  LEAVE avx512, \kind, .L_met_\id

  .p2align 6
.L_above_4_\id:
  DIFFER 3, 2*64, .E_vector_\id, "%rdi", "%rsi"
  DIFFER 4, 3*64, .E_vector_\id, "%rdi", "%rsi"
  korq %k1, %k2, %k5
  korq %k3, %k4, %k6
  kortestq %k5, %k6
  jnz .L_one_of_four_\id
  cmp $8*64, %rdx
  ja .L_loops_\id
.L_last_4_\id:
  lea -4*64(%rdx), %rcx
  .irp k, 1, 2, 3, 4
  DIFFER \k, (\k-1)*64, .E_vector_\id
  .endr
  korq %k1, %k2, %k5
  korq %k3, %k4, %k6
  kortestq %k5, %k6
  jnz .L_one_of_four_\id
  mov %rdx, %rax
  LEAVE avx512, \kind, .L_met_\id, 1

.L_loops_\id:
  mov %rdi, %r9
  sub %rsi, %r9
  lea 4*64(%rsi), %r10
  and $-64, %r10
  mov %rsi, %r8
  add %rdx, %r8
  jc .L_endless_\id
  sub $4*64, %r8
  .p2align 6
.L_loop_\id:
  .irp k, 1, 2, 3, 4
  DIFFER \k, (\k-1)*64, .E_loop_\id, "%r10,%r9", "%r10"
  .endr
  korq %k1, %k2, %k5
  korq %k3, %k4, %k6
  kortestq %k5, %k6
  jnz .L_in_loop_\id
  add $4*64, %r10
  cmp %r8, %r10
  jb .L_loop_\id
  jmp .L_last_4_\id

.L_in_loop_\id:
  mov %r10, %rcx
  sub %rsi, %rcx
.L_one_of_four_\id:            // of four in a row
  .irp k, 1, 2, 3
  kmovq %k\k, %rax
  test %rax, %rax
  jnz .L_differs_\id
  add $64, %rcx
  .endr
  kmovq %k4, %rax
.L_differs_\id:                // in the vector at `same`
  tzcnt %rax, %rax
  add %rcx, %rax
  LEAVE avx512, \kind, .L_met_\id, 1

.L_four_differ_\id:            // the first two, or the last two
  kmovq %k1, %rax
  test %rax, %rax
  jnz .L_differs_\id
  mov $64, %ecx
  kmovq %k2, %rax
  test %rax, %rax
  jnz .L_differs_\id
  lea -2*64(%rdx), %rcx
  kmovq %k3, %rax
  test %rax, %rax
  jnz .L_differs_\id
  jmp .L_last_differs_\id
.L_two_differ_\id:
  kmovq %k1, %rax
  test %rax, %rax
  jnz .L_differs_\id
.L_last_differs_\id:
  lea -64(%rdx), %rcx
  kmovq %k4, %rax
  jmp .L_differs_\id

.L_endless_\id:                // an end that wraps is the last address
  mov $-1, %r8
  jmp .L_loop_\id

.E_loop_\id:
  mov %r10, %rcx
  sub %rsi, %rcx
.E_vector_\id:
  cmp %rdx, %rcx
  jae .L_end_\id
  GUARDED NOSIGBUS_ROW_READ, .E_a_\id, movzbl (%rdi,%rcx), %eax
  GUARDED NOSIGBUS_ROW_READ, .E_b_\id, cmpb (%rsi,%rcx), %al
  jne .L_end_\id
  inc %rcx
  jmp .E_vector_\id
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
FUNCTION nosigbus_watched_memcmp_avx512
COMPARE memcmp_watched, WATCHED
END_FUNCTION nosigbus_watched_memcmp_avx512

ATTENTION memcmp, WATCHED_MEMCMP
FUNCTION nosigbus_memcmp_avx512
COMPARE memcmp, PUBLIC
END_FUNCTION nosigbus_memcmp_avx512

END_OF_FILE
