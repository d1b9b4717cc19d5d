// SPDX-License-Identifier: MIT
//
// x86_64: a call that can be left from anywhere below it.
//
// int nosigbus_guard(int (*fn)(void*), void* arg, const void* base, size_t length, nosigbus_fault* out)
//
// Contract: include/nosigbus/guard.h, src/shared/guard.h. The handler sets the stack pointer to the point, which
// has its place in this frame, and the program counter to nosigbus_guard_landing; the kernel restores mask and
// alternate stack on the way. So all that is saved is what belongs to the caller anyway, and no system call is
// made. As with setjmp, the rounding mode stays as it is.
//
// rbx: of the innermost point, where the thread has it. r12: the point outside of this one. fn keeps both.

#include "asm.h"

// Offsets in guard_point (checked in src/shared/guard.h), which lies at the stack pointer.
#define BEGIN 0
#define LENGTH 8
#define OUTER 16
#define RECOVER 24
#define FAULT 32
#define CAUSE (FAULT + FAULT_CAUSE)
#define SHADOW_STACK (FAULT + 40)

// The frame, by the frame pointer.
#define RBX -8
#define R12 -16
#define R13 -24
#define R14 -32
#define R15 -40
#define OUT -48
#define RESULT -56
#define FRAME 144

#define EFAULT 14
#define EINVAL 22

// Unwinders are to take the point out while it is in the list, and not else: that part of the routine has a
// description of its own, with the personality.
.macro FRAME_DESCRIPTION
  .cfi_def_cfa rbp, 16
  .cfi_offset rbp, -16
  .cfi_offset rbx, RBX - 16
  .cfi_offset r12, R12 - 16
  .cfi_offset r13, R13 - 16
  .cfi_offset r14, R14 - 16
  .cfi_offset r15, R15 - 16
.endm
.macro DESCRIBE_ANEW
  .cfi_endproc
  .cfi_startproc
  FRAME_DESCRIPTION
.endm

  .text

FUNCTION nosigbus_guard, protected
  test %rdi, %rdi
  jz .L_invalid
  test %rdx, %rdx
  jz .L_any
  test %rcx, %rcx
  jz .L_invalid
  mov %rdx, %rax
  add %rcx, %rax
  jc .L_invalid
.L_valid:
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset rbp, -16
  mov %rsp, %rbp
  .cfi_def_cfa_register rbp
  sub $FRAME, %rsp
  mov %rbx, RBX(%rbp)
  .cfi_offset rbx, RBX - 16
  mov %r12, R12(%rbp)
  .cfi_offset r12, R12 - 16
  mov %r13, R13(%rbp)
  .cfi_offset r13, R13 - 16
  mov %r14, R14(%rbp)
  .cfi_offset r14, R14 - 16
  mov %r15, R15(%rbp)
  .cfi_offset r15, R15 - 16
  mov %r8, OUT(%rbp)
  mov nosigbus_guard_innermost@gottpoff(%rip), %rbx
  mov %fs:(%rbx), %r12
  mov %rdx, BEGIN(%rsp)
  mov %rcx, LENGTH(%rsp)
  mov %r12, OUTER(%rsp)
  xor %eax, %eax
  rdsspq %rax                     // without a shadow stack it does nothing
  mov %rax, SHADOW_STACK(%rsp)
  movl $0, CAUSE(%rsp)
  movq $0, RECOVER(%rsp)
#ifdef NOSIGBUS_CHECKS
  mov %rdi, %r13
  mov %rsi, %r14
  mov %rsp, %rdi
  call nosigbus_guard_begins
  mov %r13, %rdi
  mov %r14, %rsi
  mov R13(%rbp), %r13
  mov R14(%rbp), %r14
#endif
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rsp, %fs:(%rbx)            // from here on it can be left
  DESCRIBE_ANEW
  .cfi_personality 0x1b, nosigbus_guard_personality
  call *%rax
#ifdef NOSIGBUS_CHECKS
  mov %eax, RESULT(%rbp)
  mov %rsp, %rdi
  call nosigbus_guard_ends
  mov RESULT(%rbp), %eax
#endif
  mov %r12, %fs:(%rbx)            // not any more
  DESCRIBE_ANEW
  mov OUT(%rbp), %rdx
  test %rdx, %rdx
  jz .L_return
  pxor %xmm0, %xmm0
  movups %xmm0, (%rdx)
  movups %xmm0, 16(%rdx)
  movq %xmm0, 32(%rdx)
.L_return:
  mov R12(%rbp), %r12
  mov RBX(%rbp), %rbx
  .cfi_remember_state
  leave
  .cfi_def_cfa rsp, 8
  .irp register, rbp, rbx, r12, r13, r14, r15
  .cfi_restore \register
  .endr
  ret
  .cfi_restore_state

  .globl nosigbus_guard_landing
  .hidden nosigbus_guard_landing
  .type nosigbus_guard_landing, @function
nosigbus_guard_landing:
  .cfi_remember_state
  .cfi_def_cfa rsp, FRAME + 16
  // What the calling convention promises, and the code that was left had not kept yet.
  cld
  emms
  lea FRAME(%rsp), %rbp
  .cfi_restore_state
  mov nosigbus_guard_innermost@gottpoff(%rip), %rbx
  mov OUTER(%rsp), %r12
  mov %r12, %fs:(%rbx)
  mov R13(%rbp), %r13
  mov R14(%rbp), %r14
  mov R15(%rbp), %r15
  // The return addresses of the calls that were left come off the shadow stack, at most 255 at a time.
  xor %ecx, %ecx
  rdsspq %rcx
  test %rcx, %rcx
  jz .L_left
  mov SHADOW_STACK(%rsp), %rax
  sub %rcx, %rax
  shr $3, %rax
.L_unwind:
  mov $255, %ecx
  cmp %rcx, %rax
  cmovb %rax, %rcx
  incsspq %rcx
  sub %rcx, %rax
  jnz .L_unwind
.L_left:
  mov %rsp, %rdi
  call nosigbus_guard_left
  mov $-EFAULT, %eax
  mov OUT(%rbp), %rdx
  test %rdx, %rdx
  jz .L_return
  movups FAULT(%rsp), %xmm0
  movups FAULT + 16(%rsp), %xmm1
  mov FAULT + 32(%rsp), %rcx
  movups %xmm0, (%rdx)
  movups %xmm1, 16(%rdx)
  mov %rcx, 32(%rdx)
  jmp .L_return
  .size nosigbus_guard_landing, . - nosigbus_guard_landing

  .cfi_endproc
  .cfi_startproc
.L_any:
  test %rcx, %rcx
  jz .L_valid
.L_invalid:
  mov $-EINVAL, %eax
  ret
END_FUNCTION nosigbus_guard

END_OF_FILE
