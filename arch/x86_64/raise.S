// SPDX-License-Identifier: MIT
//
// x86_64: a call that looks to unwinders as if the interrupted instruction had made it.
//
// machine_state::set_call has kept all registers of the interrupted code in the point, has left rbx pointing there
// and the stack pointer below the red zone. The description says where each of them is: this is a signal's frame, in
// which the program counter is that of the instruction itself, not of one behind a call.

#include "asm.h"

// Offset in the point (checked in src/shared/guard.h), and what is there: the registers as DWARF numbers them (0 to 15, of
// which 7 is the stack pointer), the program counter (16).
#define REGISTERS 88

// The address of a register, as a DWARF expression of 3 bytes: DW_OP_breg3 (rbx), and the offset as SLEB128.
#define ADDRESS(number) 0x73, ((number) * 8 & 0x7f) | 0x80, (number) * 8 >> 7

  .text
  .cfi_startproc simple
  .cfi_signal_frame
  .cfi_escape 0x0f, 4, ADDRESS(7), 0x06  // DW_CFA_def_cfa_expression: what is there (DW_OP_deref)
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
  .cfi_escape 0x10, \number, 3, ADDRESS(\number)  // DW_CFA_expression
  .endr
  nop                             // unwinders look one byte in front of where a call returns to
  .globl nosigbus_raise_landing
  .hidden nosigbus_raise_landing
  .type nosigbus_raise_landing, @function
nosigbus_raise_landing:
  // What the calling convention promises, and the interrupted code had not kept yet.
  cld
  emms
  lea -REGISTERS(%rbx), %rdi
  call nosigbus_raise
  ud2
  .cfi_endproc
  .size nosigbus_raise_landing, . - nosigbus_raise_landing

END_OF_FILE
