// SPDX-License-Identifier: MIT
//
// Guarded searches for x86_64, with vectors of 16 bytes (SSE2) and of 32 (AVX2).
//
// size_t nosigbus_strnlen_avx2(const char* s, size_t max)
// size_t nosigbus_memchr_avx2(const void* s, int c, size_t n)
// size_t nosigbus_watched_{strnlen,memchr}_{sse2,avx2}
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
// Algorithm: five vectors from s on, whatever is behind n, unless s is that near to the end of its page. The
// first is all of a short search: a bit behind the last byte ends it without a branch. Further on aligned
// vectors, four at a time, and one by one where there are fewer or s is near to the end of its page. Aligned,
// neither a vector nor four of them lie on two pages, so that a fault in one says that its first byte is
// bad, and a vector is looked at before the next page is touched. A fault behind the first vector in the page
// of s means that the page went away meanwhile: C++ searches anew. `tzcnt` is never given 0, which lets
// processors without it run it as `bsf`. 4096 is a lower bound of the page size.
#include "asm.h"
#include "vector.inc"

// Looks at the vector k behind s, which lies on the page of s.
.macro LOOK id, isa, size, k
  SAME \isa, 1, .E_near_\id, \k*\size(%rdi)
  MASK \isa, 1
  test %eax, %eax
  jnz .L_near_\id\()_\k
.endm

// Returns the place of the lowest bit of eax, which belongs to that vector: no further than n.
.macro FOUND id, isa, size, kind, k
  .p2align 5
.L_near_\id\()_\k:
  tzcnt %eax, %eax
  .if \k
  add $\k*\size, %rax
  .endif
  cmp %rsi, %rax
  cmova %rsi, %rax
  LEAVE \isa, \kind, .L_met_\id
.endm

// any_byte: the byte sought is an argument, not NUL.
.macro SCAN id, isa, size, any_byte, kind
  BEGIN \id, \kind
  .if \any_byte
  SPREAD \isa
  mov %rdx, %rsi
  .else
  CLEAR \isa
  .endif
  test %rsi, %rsi
  jz .L_nothing_\id
  mov %edi, %eax
  shl $20, %eax
  cmp $(4096 - 5*\size) << 20, %eax
  ja .L_end_of_page_\id
  SAME \isa, 1, .E_first_\id, (%rdi)
  MASK \isa, 1
  .if \any_byte                // what may well not be there: one way for found and not found
  cmp $\size, %rsi
  ja .L_long_\id
  bts %rsi, %rax
  tzcnt %rax, %rax
  .else                        // most strings are shorter than what they may be
  test %eax, %eax
  jz .L_long_\id
  tzcnt %eax, %eax
  cmp %rsi, %rax
  cmova %rsi, %rax
  .endif
  LEAVE \isa, \kind, .L_met_\id

  .p2align 6
.L_long_\id:
  .if \any_byte
  test %eax, %eax
  jnz .L_near_\id\()_0
  .else
  cmp $\size, %rsi
  jbe .L_none_\id
  .endif
  LOOK \id, \isa, \size, 1
  LOOK \id, \isa, \size, 2
  cmp $3*\size, %rsi
  jbe .L_none_\id
  LOOK \id, \isa, \size, 3
  LOOK \id, \isa, \size, 4
  cmp $5*\size, %rsi
  jbe .L_none_\id

  mov %rdi, %rdx
  add %rsi, %rdx
  jc .L_endless_\id
.L_bounded_\id:
  lea 5*\size(%rdi), %rcx
  and $-4*\size, %rcx         // up to three vectors are looked at again
  lea -4*\size(%rdx), %r8
  cmp %r8, %rcx
  ja .L_few_\id
  .p2align 6
.L_loop_\id:
  SAME \isa, 1, .E_\id, (%rcx)
  SAME \isa, 2, .E_\id, \size(%rcx)
  SAME \isa, 3, .E_\id, 2*\size(%rcx)
  SAME \isa, 4, .E_\id, 3*\size(%rcx)
  COMBINE \isa, or
  MASK \isa, 5
  test %eax, %eax
  jnz .L_one_of_four_\id
  sub $-4*\size, %rcx
  cmp %r8, %rcx
  jbe .L_loop_\id

.L_step_\id:                   // one by one, until four can be taken
  cmp %rdx, %rcx
  jae .L_none_\id
  SAME \isa, 1, .E_\id, (%rcx)
  MASK \isa, 1
  test %eax, %eax
  jnz .L_found_\id
  add $\size, %rcx
  test $4*\size - 1, %ecx
  jnz .L_step_\id
  cmp %r8, %rcx
  jbe .L_loop_\id
  jmp .L_step_\id

  .p2align 5
.L_few_\id:                    // fewer than four from there on
  lea 5*\size(%rdi), %rcx
  and $-\size, %rcx
  jmp .L_step_\id

  .p2align 5
.L_none_\id:
  mov %rsi, %rax
  LEAVE \isa, \kind, .L_met_\id, 1

  FOUND \id, \isa, \size, \kind, 0
  FOUND \id, \isa, \size, \kind, 1
  FOUND \id, \isa, \size, \kind, 2
  FOUND \id, \isa, \size, \kind, 3
  FOUND \id, \isa, \size, \kind, 4

.L_one_of_four_\id:
  .irp k, 1, 2, 3
  MASK \isa, \k
  test %eax, %eax
  jnz .L_found_\id
  add $\size, %rcx
  .endr
  MASK \isa, 4
.L_found_\id:                  // in the vector at rcx
  tzcnt %eax, %eax
  sub %rdi, %rcx
  add %rcx, %rax
  cmp %rsi, %rax
  cmova %rsi, %rax             // behind the end, in the last vector
  LEAVE \isa, \kind, .L_met_\id, 1

.L_nothing_\id:
  END_OF_VECTORS \isa
  xor %eax, %eax
  ret
.L_endless_\id:                // an end that wraps is the last address
  mov $-1, %rdx
  jmp .L_bounded_\id

.L_end_of_page_\id:            // the aligned vector that s lies in, without what is in front of s
  mov %rdi, %rdx
  add %rsi, %rdx
  sbb %r8, %r8
  or %r8, %rdx                 // an end that wraps
  mov %rdi, %rcx
  and $-\size, %rcx
  SAME \isa, 1, .E_first_\id, (%rcx)
  MASK \isa, 1
  lea \size(%rcx), %r8
  mov %edi, %ecx
  and $\size - 1, %ecx
  shr %cl, %eax
  test %eax, %eax
  jnz .L_near_\id\()_0
  mov %r8, %rcx
  lea -4*\size(%rdx), %r8
  jmp .L_step_\id

.E_near_\id:
  END_OF_VECTORS \isa
  movd %xmm0, %edx             // its lowest byte
  jmp nosigbus_search_anew
.E_\id:
  mov %rcx, %rax
  sub %rdi, %rax
  jmp .L_bad_\id
.E_first_\id:
  xor %eax, %eax
.L_bad_\id:
  END_OF_VECTORS \isa
.L_met_\id:
  mov %rax, %rdx
  CENSUS_BEFORE \kind, rcx, ecx
  movd %xmm0, %r8d             // its lowest byte
  jmp nosigbus_search_met
.endm

// The watched ones, then the public one.
.macro SCANS name, any_byte, watched
FUNCTION nosigbus_watched_\name\()_sse2
SCAN \name\()_sse2, sse2, 16, \any_byte, WATCHED
END_FUNCTION nosigbus_watched_\name\()_sse2

FUNCTION nosigbus_watched_\name\()_avx2
SCAN \name\()_avx2, avx2, 32, \any_byte, WATCHED
END_FUNCTION nosigbus_watched_\name\()_avx2

ATTENTION \name, \watched
FUNCTION nosigbus_\name\()_avx2
SCAN \name, avx2, 32, \any_byte, PUBLIC
END_FUNCTION nosigbus_\name\()_avx2
.endm

  .text
SCANS strnlen, 0, WATCHED_STRNLEN
SCANS memchr, 1, WATCHED_MEMCHR

END_OF_FILE
