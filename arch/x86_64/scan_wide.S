// SPDX-License-Identifier: MIT
//
// Guarded searches for x86_64, with vectors of 64 bytes and masks (AVX-512 with BW; BMI2).
//
// size_t nosigbus_strnlen_avx512(const char* s, size_t max)
// size_t nosigbus_memchr_avx512(const void* s, int c, size_t n)
// size_t nosigbus_watched_{strnlen,memchr}_avx512
//
// Contract: that of scan.S.
//
//   rdi  s              rsi or rdx  n       esi  c, of memchr
//   rcx  at: the vector, or the first of four, looked at; everything in front of it is known not to be the
//        byte sought
//   r8   bytes left from `at`               r11  the census before
//   rax  result; the bits of a vector's bytes that are the one sought
//   zmm0 or zmm16  that byte, everywhere
//
// Algorithm: one vector from s on, whatever is behind n, unless s is that near to the end of its page: then the
// aligned one that s lies in. Further on aligned vectors, four of them one by one, then four at a time, from
// what is aligned to four: up to three vectors are looked at again. Aligned, neither a vector nor four of them
// lie on two pages, so that a fault in one says that its first byte is bad, that what begins in [s, s + n)
// may be touched as a whole, and that a vector is looked at before the next page is touched. An answer behind the
// end becomes n. Of 0 `tzcnt` makes 64 and a carry. 4096 is a lower bound of the page size.
//
// The code of a short search is 64 bytes or little more, with short jumps to all the rest (docs/decisions-copies.md).
// Its tests look at 32 bits of n: what leaves because of them is looked at again, with all of n.
#include "asm.h"
#include "vector.inc"

// k\k = which bytes of the vector there are the one sought.
.macro BITS k, v, landing, address:vararg
  GUARDED NOSIGBUS_ROW_READ, \landing, vpcmpeqb \address, %\v, %k\k
.endm

// rax = the place of the first bit of k\k. CF: there is none, and rax is 64.
.macro FIRST k
  kmovq %k\k, %rax
  tzcnt %rax, %rax
.endm

// Looks at the vector k behind `at`; goes on where n does.
.macro STEP id, n, v, k
  BITS 0, \v, .E_\k\()_\id, \k*64(%rcx)
  FIRST 0
  jnc .L_found_\k\()_\id
  sub $64, %r8
  jbe .L_none_\id
.endm

// Returns the place of a bit in the vector k behind `at`; no further than n.
.macro FOUND id, n, kind, k
  .p2align 5
.L_found_\k\()_\id:
  sub %rdi, %rcx
  lea \k*64(%rax,%rcx), %rax
  cmp %\n, %rax
  cmova %\n, %rax
  LEAVE avx512, \kind, .L_met_\id, 1
.endm

// any_byte: the byte sought is an argument, not NUL. n, n32: the register that n is in. v: that of the byte.
.macro SEARCH id, any_byte, n, n32, v, kind
  BEGIN \id, \kind
  .if \any_byte
  vpbroadcastb %esi, %\v
  .else
  vpxor %xmm0, %xmm0, %xmm0    // VEX: clears all of zmm0
  .endif
  test %\n32, %\n32
  jz .L_nothing_\id            // or a multiple of 4 GiB
.L_something_\id:
  lea 64(%rdi), %eax
  test $4096 - 64, %eax
  jz .L_end_of_page_\id
  BITS 0, \v, .E_first_\id, (%rdi)
  .if \any_byte                // what may well not be there: one way for found and not found
  FIRST 0
  cmp $64, %\n
  ja .L_long_\id
  cmp %\n, %rax
  cmova %\n, %rax
  .else                        // most strings are shorter than what they may be
  FIRST 0
  jc .L_more_\id
  cmp %\n32, %eax
  ja .L_cut_\id
  .endif
  LEAVE avx512, \kind, .L_met_\id

  .if \any_byte
.L_long_\id:
  cmp $64, %eax
  je .L_more_\id
  LEAVE avx512, \kind, .L_met_\id
  .endif
.L_end_of_page_\id:            // the aligned vector that s lies in, without what is in front of s
  mov %rdi, %rcx
  and $-64, %rcx
  BITS 0, \v, .E_first_\id, (%rcx)
  kmovq %k0, %rax
  shrx %rdi, %rax, %rax
  tzcnt %rax, %rax
  jc .L_more_\id
.L_cut_\id:
  cmp %\n, %rax
  cmova %\n, %rax
  LEAVE avx512, \kind, .L_met_\id
.L_nothing_\id:
  test %\n, %\n
  jnz .L_something_\id
  xor %eax, %eax
  ret

  .p2align 6
.L_more_\id:                   // none in [s, at)
  lea 64(%rdi), %rcx
  and $-64, %rcx
  mov %rcx, %rax
  sub %rdi, %rax
  mov %\n, %r8
  sub %rax, %r8
  jbe .L_none_\id
  STEP \id, \n, \v, 0
  STEP \id, \n, \v, 1
  STEP \id, \n, \v, 2
  STEP \id, \n, \v, 3
  movzbl %cl, %eax
  sub %rax, %rcx
  add %rax, %r8
  add $256, %rcx
  .p2align 6
.L_loop_\id:
  BITS 1, \v, .E_0_\id, (%rcx)
  BITS 2, \v, .E_0_\id, 1*64(%rcx)
  BITS 3, \v, .E_0_\id, 2*64(%rcx)
  BITS 4, \v, .E_0_\id, 3*64(%rcx)
  korq %k1, %k2, %k5
  korq %k3, %k4, %k6
  kortestq %k5, %k6
  jnz .L_one_of_four_\id
  add $256, %rcx
  sub $256, %r8
  ja .L_loop_\id
.L_none_\id:
  mov %\n, %rax
  LEAVE avx512, \kind, .L_met_\id, 1

.L_one_of_four_\id:
  FIRST 1
  jnc .L_found_0_\id
  FIRST 2
  jnc .L_found_1_\id
  FIRST 3
  jnc .L_found_2_\id
  FIRST 4
  FOUND \id, \n, \kind, 3
  FOUND \id, \n, \kind, 2
  FOUND \id, \n, \kind, 1
  FOUND \id, \n, \kind, 0

.E_3_\id:
  add $64, %rcx
.E_2_\id:
  add $64, %rcx
.E_1_\id:
  add $64, %rcx
.E_0_\id:
  mov %rcx, %rax
  sub %rdi, %rax
  jmp .L_met_\id
.E_first_\id:
  xor %eax, %eax
.L_met_\id:
  .if \any_byte
  movzbl %sil, %r8d
  mov %rdx, %rsi
  .else
  xor %r8d, %r8d
  .endif
  mov %rax, %rdx
  CENSUS_BEFORE \kind, rcx, ecx
  jmp nosigbus_search_met
.endm

// The watched one, then the public one.
.macro SEARCHES name, any_byte, n, n32, v, watched
FUNCTION nosigbus_watched_\name\()_avx512
SEARCH \name\()_watched, \any_byte, \n, \n32, \v, WATCHED
END_FUNCTION nosigbus_watched_\name\()_avx512

ATTENTION \name, \watched
FUNCTION nosigbus_\name\()_avx512
SEARCH \name, \any_byte, \n, \n32, \v, PUBLIC
END_FUNCTION nosigbus_\name\()_avx512
.endm

  .text
SEARCHES strnlen, 0, rsi, esi, zmm0, WATCHED_STRNLEN
SEARCHES memchr, 1, rdx, edx, zmm16, WATCHED_MEMCHR

END_OF_FILE
