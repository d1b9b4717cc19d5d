// SPDX-License-Identifier: MIT
//
// aarch64: a call that looks to unwinders as if the interrupted instruction had made it.
//
// The handler has put a call_frame (context.h) on the interrupted stack, and the stack pointer at it. All
// registers of the interrupted code are in there, and the description says where: this is a signal's frame, in
// which the program counter is that of the instruction itself, and x30 is a register like any other.

#include "asm.h"

// call_frame: the point, x0 to x30, the stack pointer (DWARF's 31), the program counter (96).
#define REGISTERS 8
#define FRAME 272

  .text
  .cfi_startproc simple
  .cfi_signal_frame
  .cfi_return_column 96
  .cfi_def_cfa sp, FRAME
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  .cfi_offset \number, REGISTERS + \number * 8 - FRAME
  .endr
  .cfi_offset 96, REGISTERS + 32 * 8 - FRAME
  nop                             // unwinders look one byte in front of where a call returns to
  .globl nosigbus_raise_landing
  .hidden nosigbus_raise_landing
  .type nosigbus_raise_landing, %function
nosigbus_raise_landing:
  ldr x0, [sp]
  bl nosigbus_raise
  brk #0
  .cfi_endproc
  .size nosigbus_raise_landing, . - nosigbus_raise_landing

END_OF_FILE
