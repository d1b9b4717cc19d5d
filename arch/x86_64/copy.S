// SPDX-License-Identifier: MIT
//
// Guarded copies for x86_64 (SSE2).
//
// size_t nosigbus_copy_{read,write,both}(void* dst, const void* src, size_t n)
//
// Contract: returns the number of bytes copied in front of the first byte that could not be loaded
// (read), stored (write), or either (both); n when all were copied. Exact to the byte at any fault. Up
// to that count dst holds src's bytes. Behind it, nothing has been stored, except that dst may hold
// bytes of src that were loaded before the source shrank: the caller zeroes that rest. Source and
// destination do not overlap. A fault on the side that is not guarded is an ordinary fault.
//
//   rdi  dst            rsi  src           rdx  n
//   rcx  copied: every byte below it is done for certain; no landing pad knows more than this
//   r8   end of the loop   r9  scratch, limit of the byte loop
//   rax  result; in a landing pad, the faulting address
//
// Algorithm: up to 128 bytes, all loads before all stores, from both ends, overlapping in the middle.
// Above, the first 16 bytes, then 64 at a time to a 16-byte aligned destination, then the last 64
// bytes, overlapping. Stores go upwards.
//
// A landing pad knows `copied` and the faulting address A. Where A's page begins behind `copied`, the
// bytes in front of that page are still owed: a byte loop, itself guarded, copies them. Where `copied`
// lies on A's page, it is the answer. Where A's page lies wholly below `copied` (a page that was there
// a moment ago went away under an overlapping load) the byte loop finds out. The byte loop's own
// landing pad has the exact answer in `copied`. 4096 here is a lower bound of the page size: with larger
// pages the byte loop runs into the bad page and finds the same answer.
#include "asm.h"

.macro COPY name, reads, writes
FUNCTION \name
  xor %ecx, %ecx
  cmp $16, %rdx
  jb .L_below_16_\name
  cmp $32, %rdx
  ja .L_above_32_\name

  // 16...32
  GUARDED \reads, .E_load_\name, movdqu (%rsi), %xmm0
  GUARDED \reads, .E_load_\name, movdqu -16(%rsi,%rdx), %xmm1
  GUARDED \writes, .E_store_\name, movdqu %xmm0, (%rdi)
  GUARDED \writes, .E_store_\name, movdqu %xmm1, -16(%rdi,%rdx)
  mov %rdx, %rax
  ret

.L_above_32_\name:
  cmp $128, %rdx
  ja .L_above_128_\name
  cmp $64, %rdx
  ja .L_above_64_\name

  // 33...64
  GUARDED \reads, .E_load_\name, movdqu (%rsi), %xmm0
  GUARDED \reads, .E_load_\name, movdqu 16(%rsi), %xmm1
  GUARDED \reads, .E_load_\name, movdqu -32(%rsi,%rdx), %xmm2
  GUARDED \reads, .E_load_\name, movdqu -16(%rsi,%rdx), %xmm3
  GUARDED \writes, .E_store_\name, movdqu %xmm0, (%rdi)
  GUARDED \writes, .E_store_\name, movdqu %xmm1, 16(%rdi)
  GUARDED \writes, .E_store_\name, movdqu %xmm2, -32(%rdi,%rdx)
  GUARDED \writes, .E_store_\name, movdqu %xmm3, -16(%rdi,%rdx)
  mov %rdx, %rax
  ret

  // 65...128
.L_above_64_\name:
  GUARDED \reads, .E_load_\name, movdqu (%rsi), %xmm0
  GUARDED \reads, .E_load_\name, movdqu 16(%rsi), %xmm1
  GUARDED \reads, .E_load_\name, movdqu 32(%rsi), %xmm2
  GUARDED \reads, .E_load_\name, movdqu 48(%rsi), %xmm3
  GUARDED \reads, .E_load_\name, movdqu -64(%rsi,%rdx), %xmm4
  GUARDED \reads, .E_load_\name, movdqu -48(%rsi,%rdx), %xmm5
  GUARDED \reads, .E_load_\name, movdqu -32(%rsi,%rdx), %xmm6
  GUARDED \reads, .E_load_\name, movdqu -16(%rsi,%rdx), %xmm7
  GUARDED \writes, .E_store_\name, movdqu %xmm0, (%rdi)
  GUARDED \writes, .E_store_\name, movdqu %xmm1, 16(%rdi)
  GUARDED \writes, .E_store_\name, movdqu %xmm2, 32(%rdi)
  GUARDED \writes, .E_store_\name, movdqu %xmm3, 48(%rdi)
  GUARDED \writes, .E_store_\name, movdqu %xmm4, -64(%rdi,%rdx)
  GUARDED \writes, .E_store_\name, movdqu %xmm5, -48(%rdi,%rdx)
  GUARDED \writes, .E_store_\name, movdqu %xmm6, -32(%rdi,%rdx)
  GUARDED \writes, .E_store_\name, movdqu %xmm7, -16(%rdi,%rdx)
  mov %rdx, %rax
  ret

.L_above_128_\name:
  GUARDED \reads, .E_load_\name, movdqu (%rsi), %xmm0
  GUARDED \writes, .E_store_\name, movdqu %xmm0, (%rdi)
  mov %edi, %eax
  and $15, %eax
  mov $16, %ecx
  sub %eax, %ecx               // dst + copied is aligned; 1...16 bytes of the first store count
  lea -64(%rdx), %r8
  .p2align 4
.L_loop_\name:
  GUARDED \reads, .E_load_\name, movdqu (%rsi,%rcx), %xmm0
  GUARDED \reads, .E_load_\name, movdqu 16(%rsi,%rcx), %xmm1
  GUARDED \reads, .E_load_\name, movdqu 32(%rsi,%rcx), %xmm2
  GUARDED \reads, .E_load_\name, movdqu 48(%rsi,%rcx), %xmm3
  GUARDED \writes, .E_store_\name, movdqa %xmm0, (%rdi,%rcx)
  GUARDED \writes, .E_store_\name, movdqa %xmm1, 16(%rdi,%rcx)
  GUARDED \writes, .E_store_\name, movdqa %xmm2, 32(%rdi,%rcx)
  GUARDED \writes, .E_store_\name, movdqa %xmm3, 48(%rdi,%rcx)
  add $64, %rcx
  cmp %r8, %rcx
  jb .L_loop_\name
  GUARDED \reads, .E_load_\name, movdqu -64(%rsi,%rdx), %xmm0
  GUARDED \reads, .E_load_\name, movdqu -48(%rsi,%rdx), %xmm1
  GUARDED \reads, .E_load_\name, movdqu -32(%rsi,%rdx), %xmm2
  GUARDED \reads, .E_load_\name, movdqu -16(%rsi,%rdx), %xmm3
  GUARDED \writes, .E_store_\name, movdqu %xmm0, -64(%rdi,%rdx)
  GUARDED \writes, .E_store_\name, movdqu %xmm1, -48(%rdi,%rdx)
  GUARDED \writes, .E_store_\name, movdqu %xmm2, -32(%rdi,%rdx)
  GUARDED \writes, .E_store_\name, movdqu %xmm3, -16(%rdi,%rdx)
  mov %rdx, %rax
  ret

.L_below_16_\name:
  cmp $8, %edx
  jae .L_8_\name
  cmp $4, %edx
  jae .L_4_\name
  cmp $1, %edx
  jb .L_0_\name
  je .L_1_\name
  GUARDED \reads, .E_load_\name, movzwl (%rsi), %eax
  GUARDED \reads, .E_load_\name, movzwl -2(%rsi,%rdx), %r8d
  GUARDED \writes, .E_store_\name, movw %ax, (%rdi)
  GUARDED \writes, .E_store_\name, movw %r8w, -2(%rdi,%rdx)
  mov %rdx, %rax
  ret
.L_1_\name:
  GUARDED \reads, .E_load_\name, movzbl (%rsi), %eax
  GUARDED \writes, .E_store_\name, movb %al, (%rdi)
.L_0_\name:
  mov %rdx, %rax
  ret
.L_4_\name:
  GUARDED \reads, .E_load_\name, movl (%rsi), %eax
  GUARDED \reads, .E_load_\name, movl -4(%rsi,%rdx), %r8d
  GUARDED \writes, .E_store_\name, movl %eax, (%rdi)
  GUARDED \writes, .E_store_\name, movl %r8d, -4(%rdi,%rdx)
  mov %rdx, %rax
  ret
.L_8_\name:
  GUARDED \reads, .E_load_\name, movq (%rsi), %rax
  GUARDED \reads, .E_load_\name, movq -8(%rsi,%rdx), %r8
  GUARDED \writes, .E_store_\name, movq %rax, (%rdi)
  GUARDED \writes, .E_store_\name, movq %r8, -8(%rdi,%rdx)
  mov %rdx, %rax
  ret

  .if \writes
.E_store_\name:                // A lies in dst
  mov %rdi, %r9
  jmp .L_owed_\name
  .endif
.E_load_\name:                 // A lies in src
  mov %rsi, %r9
.L_owed_\name:
  and $-4096, %rax
  sub %r9, %rax                // start of A's page as an offset; wraps where it lies below the buffer
  lea 4096(%rax), %r8          // its end; n at least, unless the page lies below `copied`
  cmp %rcx, %rax
  jg .L_limit_\name            // page begins behind copied: copy up to it
  cmp %rcx, %r8
  jg .E_byte_\name             // copied lies on the page
  mov %rdx, %rax               // page ends below copied: try all that is left
.L_limit_\name:
  cmp %rdx, %rax
  cmova %rdx, %rax
  mov %rax, %r9
.L_byte_\name:
  GUARDED \reads, .E_byte_\name, movzbl (%rsi,%rcx), %eax
  GUARDED \writes, .E_byte_\name, movb %al, (%rdi,%rcx)
  inc %rcx
  cmp %r9, %rcx
  jb .L_byte_\name
.E_byte_\name:
  mov %rcx, %rax
  ret
END_FUNCTION \name
.endm

  .text
COPY nosigbus_copy_read, NOSIGBUS_ROW_READ, 0
COPY nosigbus_copy_write, 0, NOSIGBUS_ROW_WRITE
COPY nosigbus_copy_both, NOSIGBUS_ROW_READ, NOSIGBUS_ROW_WRITE

END_OF_FILE
