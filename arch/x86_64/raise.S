// SPDX-License-Identifier: MIT
//
// x86_64: a call that looks to unwinders as if the interrupted instruction had made it.
//
// The handler has put a call_frame (context.h) on the interrupted stack, below its red zone, and the stack
// pointer at it. All registers of the interrupted code are in there, and the description says where: this is a
// signal's frame, in which the program counter is that of the instruction itself, not of one behind a call.

#include "asm.h"

// call_frame: the point, the registers as DWARF numbers them (0 to 15, of which 7 is the stack pointer), the
// program counter (16).
#define REGISTERS 8
#define FRAME 144

  .text
  .cfi_startproc simple
  .cfi_signal_frame
  .cfi_def_cfa rsp, FRAME
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
  .cfi_offset \number, REGISTERS + \number * 8 - FRAME
  .endr
  nop                             // unwinders look one byte in front of where a call returns to
  .globl nosigbus_raise_landing
  .hidden nosigbus_raise_landing
  .type nosigbus_raise_landing, @function
nosigbus_raise_landing:
  cld
  mov (%rsp), %rdi
  call nosigbus_raise
  ud2
  .cfi_endproc
  .size nosigbus_raise_landing, . - nosigbus_raise_landing

END_OF_FILE
