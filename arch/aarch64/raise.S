// SPDX-License-Identifier: MIT
//
// aarch64: a call that looks to unwinders as if the interrupted instruction had made it.
//
// machine_state::set_call has kept all registers of the interrupted code in the point, and has left x19 pointing
// there. The description says where each of them is: this is a signal's frame, in which the program counter is that
// of the instruction itself, and x30 is a register like any other.

#include "asm.h"

// Offset in the point (checked in src/shared/guard.h), and what is there: x0 to x30, the stack pointer (DWARF's 31), the
// program counter (96).
#define REGISTERS 88

// The address of a register, as a DWARF expression of 3 bytes: DW_OP_breg19 (x19), and the offset as SLEB128.
#define ADDRESS(index) 0x83, ((index) * 8 & 0x7f) | 0x80, (index) * 8 >> 7

  .text
  .cfi_startproc simple
  .cfi_signal_frame
  .cfi_return_column 96
  .cfi_escape 0x0f, 4, ADDRESS(31), 0x06  // DW_CFA_def_cfa_expression: what is there (DW_OP_deref)
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  .cfi_escape 0x10, \number, 3, ADDRESS(\number)  // DW_CFA_expression
  .endr
  .cfi_escape 0x10, 96, 3, ADDRESS(32)
  nop                             // unwinders look one byte in front of where a call returns to
  .globl nosigbus_raise_landing
  .hidden nosigbus_raise_landing
  .type nosigbus_raise_landing, %function
nosigbus_raise_landing:
  sub x0, x19, #REGISTERS
  bl nosigbus_raise
  brk #0
  .cfi_endproc
  .size nosigbus_raise_landing, . - nosigbus_raise_landing

END_OF_FILE
