// SPDX-License-Identifier: MIT
//
// Guarded fill for x86_64 (SSE2).
//
// size_t nosigbus_fill_guarded(void* dst, int byte, size_t n)
//
// Contract: returns the number of bytes written in front of the first byte that could not be stored; n
// when all were written. Exact to the byte at any fault; nothing behind it is written.
//
//   rdi  dst            esi  byte, then in all 8 bytes of rsi and all 16 of xmm0     rdx  n
//   rcx  written: every byte below it is done for certain
//   r8   end of the loop   r9  limit of the byte loop
//   rax  result; in a landing pad, the faulting address
//
// Algorithm and landing pads are copy.S's, without the loads.
#include "asm.h"

#define STORE GUARDED NOSIGBUS_ROW_WRITE, .E_store,

  .text
FUNCTION nosigbus_fill_guarded
  xor %ecx, %ecx
  movzbl %sil, %esi
  mov $0x0101010101010101, %rax
  imul %rax, %rsi
  cmp $16, %rdx
  jb .L_below_16
  movq %rsi, %xmm0
  punpcklqdq %xmm0, %xmm0
  cmp $64, %rdx
  ja .L_above_64

  // 16...64
  STORE movdqu %xmm0, (%rdi)
  cmp $32, %rdx
  jbe .L_last_16
  STORE movdqu %xmm0, 16(%rdi)
  STORE movdqu %xmm0, -32(%rdi,%rdx)
.L_last_16:
  STORE movdqu %xmm0, -16(%rdi,%rdx)
  mov %rdx, %rax
  ret

.L_above_64:
  STORE movdqu %xmm0, (%rdi)
  mov %edi, %eax
  and $15, %eax
  mov $16, %ecx
  sub %eax, %ecx               // dst + written is aligned; 1...16 bytes of the first store count
  lea -64(%rdx), %r8
  cmp %r8, %rcx
  jae .L_last_64
  .p2align 4
.L_loop:
  STORE movdqa %xmm0, (%rdi,%rcx)
  STORE movdqa %xmm0, 16(%rdi,%rcx)
  STORE movdqa %xmm0, 32(%rdi,%rcx)
  STORE movdqa %xmm0, 48(%rdi,%rcx)
  add $64, %rcx
  cmp %r8, %rcx
  jb .L_loop
.L_last_64:
  STORE movdqu %xmm0, -64(%rdi,%rdx)
  STORE movdqu %xmm0, -48(%rdi,%rdx)
  STORE movdqu %xmm0, -32(%rdi,%rdx)
  STORE movdqu %xmm0, -16(%rdi,%rdx)
  mov %rdx, %rax
  ret

.L_below_16:
  cmp $8, %edx
  jae .L_8
  cmp $4, %edx
  jae .L_4
  cmp $1, %edx
  jb .L_0
  je .L_1
  STORE movw %si, (%rdi)
  STORE movw %si, -2(%rdi,%rdx)
  mov %rdx, %rax
  ret
.L_1:
  STORE movb %sil, (%rdi)
.L_0:
  mov %rdx, %rax
  ret
.L_4:
  STORE movl %esi, (%rdi)
  STORE movl %esi, -4(%rdi,%rdx)
  mov %rdx, %rax
  ret
.L_8:
  STORE movq %rsi, (%rdi)
  STORE movq %rsi, -8(%rdi,%rdx)
  mov %rdx, %rax
  ret

.E_store:
  and $-4096, %rax
  sub %rdi, %rax               // start of the bad page as an offset; wraps below the buffer
  lea 4096(%rax), %r8          // its end
  cmp %rcx, %rax
  jg .L_limit                  // page begins behind written: write up to it
  cmp %rcx, %r8
  jg .E_byte                   // written lies on the page
  mov %rdx, %rax               // page ends below written: try all that is left
.L_limit:
  cmp %rdx, %rax
  cmova %rdx, %rax
  mov %rax, %r9
.L_byte:
  GUARDED NOSIGBUS_ROW_WRITE, .E_byte, movb %sil, (%rdi,%rcx)
  inc %rcx
  cmp %r9, %rcx
  jb .L_byte
.E_byte:
  mov %rcx, %rax
  ret
END_FUNCTION nosigbus_fill_guarded

END_OF_FILE
