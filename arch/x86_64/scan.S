// SPDX-License-Identifier: MIT
//
// Guarded searches for x86_64, with vectors of 16 bytes (SSE2) and of 32 (AVX2).
//
// size_t nosigbus_safe_strnlen(const char* s, size_t max)
// size_t nosigbus_safe_memchr(const void* s, int c, size_t n)
//
// Contract: those of scan.h, the fault record included. Returns the index of the first byte that is the
// one sought (NUL, c) or that could not be loaded; n when there is neither. Exact to the byte at any fault.
// A fault ends the search, so there was one exactly when the byte at the answer could not be loaded. No
// byte outside [s, s + n) is touched, except on pages that hold one of these bytes. What was met is
// completed, in the place of this routine, by
//
// size_t nosigbus_search_met(const void* s, size_t n, size_t index, uint64_t census_before, int c)
//
//   rdi  s              rsi  n              rdx  s + n         r11  the census before
//   rcx  at: the vector looked at; everything in front of it is known not to be the byte sought
//   r8   bytes left from `at`, end of the loop
//   rax  result; the bits of a vector's bytes that are the one sought     v0   that byte, everywhere
//
// Algorithm: one vector at s, which may lie across everything but the end of a page; there, the aligned
// vector that s is in. Then aligned vectors, four of them one by one and further ones four at a time:
// aligned, neither a vector nor four of them lie on two pages, so that a fault in one says that its first
// byte is bad, and a vector is looked at before the next page is touched. `tzcnt` is never given 0, which
// lets processors without it run it as `bsf`. 4096 is a lower bound of the page size.
#include "asm.h"
#include "vector.inc"

// any_byte: the byte sought is an argument, not NUL.
.macro SCAN id, isa, size, any_byte
  BEGIN
  .if \any_byte
  SPREAD \isa
  mov %rdx, %rsi
  .else
  CLEAR \isa
  .endif
  test %rsi, %rsi
  jz .L_nothing_\id
  mov %edi, %eax
  and $4095, %eax
  cmp $4096 - \size, %eax
  ja .L_end_of_page_\id
  SAME \isa, 1, .E_first_\id, (%rdi)
  MASK \isa, 1
  test %eax, %eax
  jz .L_not_in_first_\id
.L_first_\id:
  tzcnt %eax, %eax
  cmp %rsi, %rax
  cmova %rsi, %rax             // behind n
  LEAVE \isa, .L_met_\id

.L_not_in_first_\id:
  cmp $\size, %rsi
  jbe .L_none_\id
.L_on_\id:
  mov %rdi, %rdx
  add %rsi, %rdx
  jc .L_endless_\id
.L_bounded_\id:
  lea \size(%rdi), %rcx
  and $-\size, %rcx
  mov %rdx, %r8
  sub %rcx, %r8
.L_four_\id:
  .irp k, 0, 1, 2, 3
  .if \k
  cmp $\k * \size, %r8
  jbe .L_none_\id
  .endif
  SAME \isa, 1, .E_\id\()_\k, \k * \size(%rcx)
  MASK \isa, 1
  test %eax, %eax
  jnz .L_found_\id\()_\k
  .endr
  cmp $4 * \size, %r8
  ja .L_many_\id
.L_none_\id:
  mov %rsi, %rax
  LEAVE \isa, .L_met_\id

.L_many_\id:
  lea -4 * \size(%rdx), %r8
  sub $-4 * \size, %rcx
  and $-4 * \size, %rcx
  cmp %r8, %rcx
  ja .L_rest_\id
  .p2align 6
.L_loop_\id:
  SAME \isa, 1, .E_\id\()_0, (%rcx)
  SAME \isa, 2, .E_\id\()_0, \size(%rcx)
  SAME \isa, 3, .E_\id\()_0, 2 * \size(%rcx)
  SAME \isa, 4, .E_\id\()_0, 3 * \size(%rcx)
  COMBINE \isa, or
  MASK \isa, 5
  test %eax, %eax
  jnz .L_one_of_four_\id
  sub $-4 * \size, %rcx
  cmp %r8, %rcx
  jbe .L_loop_\id
.L_rest_\id:                   // less than four vectors are left
  mov %rdx, %r8
  sub %rcx, %r8
  jnz .L_four_\id
  jmp .L_none_\id

.L_one_of_four_\id:
  .irp k, 1, 2, 3
  MASK \isa, \k
  test %eax, %eax
  jnz .L_back_\id\()_\k
  .endr
  MASK \isa, 4
.L_found_\id\()_3:
  add $\size, %rcx
.L_back_\id\()_3:
.L_found_\id\()_2:
  add $\size, %rcx
.L_back_\id\()_2:
.L_found_\id\()_1:
  add $\size, %rcx
.L_back_\id\()_1:
.L_found_\id\()_0:
  tzcnt %eax, %eax
  add %rcx, %rax
  cmp %rdx, %rax
  cmova %rdx, %rax             // behind the end, in the last vector
  sub %rdi, %rax
  LEAVE \isa, .L_met_\id

.L_nothing_\id:
  xor %eax, %eax
  ret
.L_endless_\id:                // an end that wraps is the last address
  mov $-1, %rdx
  jmp .L_bounded_\id

.L_end_of_page_\id:            // the aligned vector that s lies in, without what is in front of s
  mov %rdi, %rcx
  and $-\size, %rcx
  SAME \isa, 1, .E_first_\id, (%rcx)
  MASK \isa, 1
  mov %edi, %ecx
  and $\size - 1, %ecx
  shr %cl, %eax
  test %eax, %eax
  jnz .L_first_\id
  sub $\size, %ecx
  neg %ecx
  cmp %rcx, %rsi
  ja .L_on_\id
  jmp .L_none_\id

.E_\id\()_3:
  add $\size, %rcx
.E_\id\()_2:
  add $\size, %rcx
.E_\id\()_1:
  add $\size, %rcx
.E_\id\()_0:
  mov %rcx, %rax
  sub %rdi, %rax
  jmp .L_bad_\id
.E_first_\id:
  xor %eax, %eax
.L_bad_\id:
  END_OF_VECTORS \isa
.L_met_\id:
  mov %rax, %rdx
  mov %r11, %rcx
  movd %xmm0, %r8d             // its lowest byte
  jmp nosigbus_search_met
.endm

  .text
FUNCTION nosigbus_safe_strnlen_sse2
SCAN strnlen_sse2, sse2, 16, 0
END_FUNCTION nosigbus_safe_strnlen_sse2

FUNCTION nosigbus_safe_memchr_sse2
SCAN memchr_sse2, sse2, 16, 1
END_FUNCTION nosigbus_safe_memchr_sse2

  .p2align 6
FUNCTION nosigbus_safe_strnlen, protected
NARROW_SCANS_IN nosigbus_safe_strnlen_sse2
SCAN strnlen_avx2, avx2, 32, 0
END_FUNCTION nosigbus_safe_strnlen

  .p2align 6
FUNCTION nosigbus_safe_memchr, protected
NARROW_SCANS_IN nosigbus_safe_memchr_sse2
SCAN memchr_avx2, avx2, 32, 1
END_FUNCTION nosigbus_safe_memchr

END_OF_FILE
