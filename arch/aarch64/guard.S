// SPDX-License-Identifier: MIT
//
// aarch64: a call that can be left from anywhere below it.
//
// int nosigbus_guard(int (*fn)(void*), void* arg, const void* base, size_t length, nosigbus_fault* out)
//
// Contract: include/nosigbus/guard.h, src/shared/guard.h. The handler sets the stack pointer to the point, which
// has its place in this frame, and the program counter to nosigbus_guard_landing; the kernel restores mask and
// alternate stack on the way. So all that is saved is what belongs to the caller anyway, and no system call is
// made. As with setjmp, the rounding mode stays as it is.
//
// x19: of the innermost point, where threads have it. x20: the point outside of this one. x21, x22: fn, arg. fn keeps
// them.

#include "asm.h"

// Offsets in guard_point (checked in src/shared/guard.h), which lies at the stack pointer.
#define BEGIN 0
#define LENGTH 8
#define OUTER 16
#define RECOVER 24
#define FAULT 32
#define CAUSE (FAULT + FAULT_CAUSE)
#define SHADOW_STACK (FAULT + 40)

// Behind it: out; x19 to x28, d8 to d15; and at the end the frame record.
#define OUT 88
#define SAVED 96
#define RECORD (SAVED + 144)
#define FRAME (RECORD + 16)

#define EFAULT 14
#define EINVAL 22

// Guarded control stack (Arm ARM DDI 0487, "FEAT_GCS"), by encoding: assemblers do not know it yet. chkfeat, a
// hint, clears bit 0 of x16 where it is enabled.
#define CHKFEAT hint #40
#define GCSPR_EL0 s3_3_c2_c5_1
.macro GCSPOPM
  .inst 0xd52b773f                // gcspopm xzr
.endm

// Unwinders are to take the point out while it is in the list, and not else: that part of the routine has a
// description of its own, with the personality.
.macro FRAME_DESCRIPTION
  .cfi_def_cfa sp, FRAME
  .cfi_negate_ra_state
  .cfi_offset x29, -16
  .cfi_offset x30, -8
  .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
  .cfi_offset x\number, SAVED - FRAME + (\number - 19) * 8
  .endr
  .irp number, 8, 9, 10, 11, 12, 13, 14, 15
  .cfi_offset d\number, SAVED - FRAME + 80 + (\number - 8) * 8
  .endr
.endm
.macro DESCRIBE_ANEW
  .cfi_endproc
  .cfi_startproc
  FRAME_DESCRIPTION
.endm

  .text

FUNCTION nosigbus_guard, protected
  cbz x0, .L_invalid
  cbz x2, .L_any
  cbz x3, .L_invalid
  adds x8, x2, x3
  b.cs .L_invalid
.L_valid:
  hint #25                        // paciasp
  .cfi_negate_ra_state
  sub sp, sp, #FRAME
  .cfi_def_cfa_offset FRAME
  stp x29, x30, [sp, #RECORD]
  .cfi_offset x29, -16
  .cfi_offset x30, -8
  add x29, sp, #RECORD
  stp x19, x20, [sp, #SAVED]
  stp x21, x22, [sp, #SAVED + 16]
  stp x23, x24, [sp, #SAVED + 32]
  stp x25, x26, [sp, #SAVED + 48]
  stp x27, x28, [sp, #SAVED + 64]
  stp d8, d9, [sp, #SAVED + 80]
  stp d10, d11, [sp, #SAVED + 96]
  stp d12, d13, [sp, #SAVED + 112]
  stp d14, d15, [sp, #SAVED + 128]
  .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
  .cfi_offset x\number, SAVED - FRAME + (\number - 19) * 8
  .endr
  .irp number, 8, 9, 10, 11, 12, 13, 14, 15
  .cfi_offset d\number, SAVED - FRAME + 80 + (\number - 8) * 8
  .endr
  adrp x19, :gottprel:nosigbus_guard_innermost
  ldr x19, [x19, :gottprel_lo12:nosigbus_guard_innermost]
  mrs x8, tpidr_el0
  ldr x20, [x19, x8]
  str x4, [sp, #OUT]
  and x2, x2, #0x00ffffffffffffff // faults have no tag
  stp x2, x3, [sp, #BEGIN]
  mov x9, #0
  mov x16, #1
  CHKFEAT
  cbnz x16, .L_no_shadow_stack
  mrs x9, GCSPR_EL0
.L_no_shadow_stack:
  stp x20, xzr, [sp, #OUTER]     // and RECOVER
  str wzr, [sp, #CAUSE]
  str x9, [sp, #SHADOW_STACK]
  mov x21, x0
  mov x22, x1
#ifdef NOSIGBUS_CHECKS
  mov x0, sp
  bl nosigbus_guard_begins
#endif
  mrs x8, tpidr_el0
  mov x9, sp
  mov x0, x22
  str x9, [x19, x8]               // from here on it can be left
  DESCRIBE_ANEW
  .cfi_personality 0x1b, nosigbus_guard_personality
  blr x21
#ifdef NOSIGBUS_CHECKS
  mov w22, w0
  mov x0, sp
  bl nosigbus_guard_ends
  mov w0, w22
#endif
  mrs x8, tpidr_el0               // of the thread that runs now: a fiber may go on on another
  str x20, [x19, x8]              // not any more
  DESCRIBE_ANEW
  ldr x8, [sp, #OUT]
  cbz x8, .L_return
  stp xzr, xzr, [x8]
  stp xzr, xzr, [x8, #16]
  str xzr, [x8, #32]
.L_return:
  ldp x19, x20, [sp, #SAVED]
  ldp x21, x22, [sp, #SAVED + 16]
  .cfi_remember_state
  ldp x29, x30, [sp, #RECORD]
  add sp, sp, #FRAME
  .cfi_def_cfa_offset 0
  .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
  .cfi_restore x\number
  .endr
  .irp number, 8, 9, 10, 11, 12, 13, 14, 15
  .cfi_restore d\number
  .endr
  hint #29                        // autiasp
  .cfi_negate_ra_state
  ret
  .cfi_restore_state

  .globl nosigbus_guard_landing
  .hidden nosigbus_guard_landing
  .type nosigbus_guard_landing, %function
nosigbus_guard_landing:
  add x29, sp, #RECORD
  adrp x19, :gottprel:nosigbus_guard_innermost
  ldr x19, [x19, :gottprel_lo12:nosigbus_guard_innermost]
  mrs x8, tpidr_el0
  ldr x20, [sp, #OUTER]
  str x20, [x19, x8]
  ldp x25, x26, [sp, #SAVED + 48]
  ldp x27, x28, [sp, #SAVED + 64]
  ldp x23, x24, [sp, #SAVED + 32]
  ldp d8, d9, [sp, #SAVED + 80]
  ldp d10, d11, [sp, #SAVED + 96]
  ldp d12, d13, [sp, #SAVED + 112]
  ldp d14, d15, [sp, #SAVED + 128]
  // The return addresses of the calls that were left come off the shadow stack.
  mov x16, #1
  CHKFEAT
  cbnz x16, .L_left
  ldr x9, [sp, #SHADOW_STACK]
.L_unwind:
  mrs x10, GCSPR_EL0
  cmp x10, x9
  b.eq .L_left
  GCSPOPM
  b .L_unwind
.L_left:
  mov x0, sp
  bl nosigbus_guard_left
  mov w0, #-EFAULT
  ldr x8, [sp, #OUT]
  cbz x8, .L_return
  ldp x9, x10, [sp, #FAULT]
  ldp x11, x12, [sp, #FAULT + 16]
  ldr x13, [sp, #FAULT + 32]
  stp x9, x10, [x8]
  stp x11, x12, [x8, #16]
  str x13, [x8, #32]
  b .L_return
  .size nosigbus_guard_landing, . - nosigbus_guard_landing

  .cfi_endproc
  .cfi_startproc
.L_any:
  cbz x3, .L_valid
.L_invalid:
  mov w0, #-EINVAL
  ret
END_FUNCTION nosigbus_guard

END_OF_FILE
