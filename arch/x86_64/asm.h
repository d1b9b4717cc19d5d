// SPDX-License-Identifier: MIT
//
// x86_64: the directives that every routine needs, in one place.
#pragma once

// clang-format off

#include <nosigbus/extable.h>

// Kinds of a routine that is written once: used by others of the library; the public function where regions
// are about, which looks at the overlay census before and after; the public function itself, which goes to
// the watched one when nosigbus_detour says so (src/shared/routines.h).
#define INTERNAL 0
#define WATCHED 1
#define PUBLIC 2

// Offsets in a nosigbus_fault (checked in copy.cpp), and in nosigbus_routines (in routines.cpp).
#define FAULT_CAUSE 24
#define LARGE_FROM 32
#define STREAM_FROM 40
#define WATCHED_STRNLEN 48
#define WATCHED_MEMCHR 56
#define WATCHED_MEMCMP 64

.macro FUNCTION name, visibility=hidden
  .globl \name
  .\visibility \name
  .type \name, @function
  .p2align 5
\name:
  .cfi_startproc
  endbr64
.endm

.macro END_FUNCTION name
  .cfi_endproc
  .size \name, . - \name
.endm

// One instruction that may fault. accesses: NOSIGBUS_ROW_READ/WRITE bits that are guarded; with 0 it is
// an ordinary instruction. On a fault, execution goes on at `landing` with the faulting address in rax.
.macro GUARDED accesses, landing, instruction:vararg
  .if \accesses
    .Lguarded\@: \instruction
    .pushsection nosigbus_extable, "ao", @progbits, .Lguarded\@
    .balign 4
    .long .Lguarded\@ - .
    .long \landing - .
    .long \accesses | NOSIGBUS_ROW_ADDRESS
    .popsection
  .else
    \instruction
  .endif
.endm

// The beginning of a public routine: goes to `attention` if the thread's fault record is not clear, or
// nosigbus_detour is not. ecx = 0 if it goes on.
.macro LOOK_AROUND attention
  mov nosigbus_last_fault_cause@gottpoff(%rip), %rcx
  mov %fs:(%rcx), %ecx
  or nosigbus_detour(%rip), %ecx
  jne \attention
.endm

// There: the record is cleared. ZF: that was all. ecx = 0.
.macro CLEAR_UNLESS_DETOUR
  mov nosigbus_last_fault_cause@gottpoff(%rip), %rcx
  movl $0, %fs:(%rcx)
  xor %ecx, %ecx
  cmp %ecx, nosigbus_detour(%rip)
.endm

// Every object file says that it wants no executable stack, and that it was written for IBT and SHSTK.
.macro END_OF_FILE
  .section .note.GNU-stack, "", @progbits
  .section .note.gnu.property, "a", @note
  .p2align 3
  .long 4, 16, 5          // name size, descriptor size, NT_GNU_PROPERTY_TYPE_0
  .asciz "GNU"
  .long 0xc0000002, 4, 3  // GNU_PROPERTY_X86_FEATURE_1_AND: IBT | SHSTK
  .long 0
.endm
