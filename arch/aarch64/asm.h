// SPDX-License-Identifier: MIT
//
// aarch64: the directives that every routine needs, in one place.
#pragma once

// clang-format off

#include <nosigbus/extable.h>

// Bytes from the beginning of a nosigbus_fault to its cause (checked in copy.cpp).
#define FAULT_CAUSE 24

.macro FUNCTION name, visibility=hidden
  .globl \name
  .\visibility \name
  .type \name, %function
  .p2align 5
\name:
  .cfi_startproc
  bti c
.endm

.macro END_FUNCTION name
  .cfi_endproc
  .size \name, . - \name
.endm

// One instruction that may fault. accesses: NOSIGBUS_ROW_READ/WRITE bits that are guarded; with 0 it is
// an ordinary instruction. On a fault, execution goes on at `landing` with the faulting address in x16.
.macro GUARDED accesses, landing, instruction:vararg
  .if \accesses
    .Lguarded\@: \instruction
    .pushsection nosigbus_extable, "ao", %progbits, .Lguarded\@
    .balign 4
    .long .Lguarded\@ - .
    .long \landing - .
    .long \accesses | NOSIGBUS_ROW_ADDRESS
    .popsection
  .else
    \instruction
  .endif
.endm

// Every object file says that it wants no executable stack, and that it was written for BTI and return
// address signing (which routine stores its return address signs it).
.macro END_OF_FILE
  .section .note.GNU-stack, "", %progbits
  .section .note.gnu.property, "a", %note
  .p2align 3
  .long 4, 16, 5          // name size, descriptor size, NT_GNU_PROPERTY_TYPE_0
  .asciz "GNU"
  .long 0xc0000000, 4, 3  // GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI | PAC
  .long 0
.endm
