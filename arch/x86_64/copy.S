// SPDX-License-Identifier: MIT
//
// Guarded copies for x86_64, one set of routines for each width of vector.
//
// size_t nosigbus_copy_{read,write,both}_{sse2,avx2,avx512}(void* dst, const void* src, size_t n)
// size_t nosigbus_watched_read_{sse2,avx2,avx512}(void* dst, const void* src, size_t n)
// size_t nosigbus_safe_read(void* dst, const void* src, size_t n)
//
// Contract of the first: returns the number of bytes copied in front of the first byte that could not be
// loaded (read), stored (write), or either (both); n when all were copied. Exact to the byte at any fault.
// Up to that count dst holds src's bytes. Behind it nothing has been stored, except (both) bytes of src
// that were loaded before the source shrank. Source and destination do not overlap. A fault on the side
// that is not guarded is an ordinary fault.
// The others are the public read itself: they clear the thread's record when all is well, and leave to
// nosigbus_finish_read (copy.cpp) whatever is not. nosigbus_safe_read is the AVX2 routine for a process
// without regions; with regions, or another set in force, it goes where nosigbus_routines says. A watched
// read looks at the overlay census before and after.
//
//   rdi  dst            rsi  src           rdx  n
//   rcx  copied: every byte below it is done for certain; no landing pad knows more than this. Before the
//        loop of a public read, 0
//   r8   end of the loop   r9  scratch, limit of the byte loop   r10  the census before (watched)
//   rax  scratch; result; in a landing pad, the faulting address
//
// Algorithm, with V the vector's size: up to 8 V, all loads before all stores, from both ends,
// overlapping in the middle. Above, the first V bytes, then 4 V at a time to an aligned destination, then
// the last 4 V bytes, overlapping. Stores go upwards. From routines::large_from bytes on, `rep movsb`, which
// keeps rcx, rsi and rdi exact at a fault; from routines::stream_from on, what would not fit into the cache
// is stored past it.
//
// A landing pad knows `copied` and the faulting address A. Where A's page begins behind `copied`, the
// bytes in front of that page are still owed: a byte loop, itself guarded, copies them. Where `copied`
// lies on A's page, it is the answer. Where A's page lies wholly below `copied` (a page that was there
// a moment ago went away under an overlapping load) the byte loop finds out. The byte loop's own
// landing pad has the exact answer in `copied`. 4096 is a lower bound of the page size: with huge pages
// the byte loop runs into the bad page and finds the same answer.
//
// A short copy costs what its branches and the lines of code that it is fetched from cost: the blocks stand so
// that V...2 V are copied within the first 64 bytes, and most branches are short ones.
#include "asm.h"
#include "copy.inc"

// b64, b32, b16: what takes the first bytes of a short copy. rsi itself is shorter where nobody needs it later.
.macro COPY name, isa, v, r, reads, writes, kind, b64=r8, b32=r8d, b16=r8w
  ALIGN_LINE \kind
  .if \kind == PUBLIC
  .skip 64 - 6                 // so that the jump to it is a short one
.L_detour_\name:
  .cfi_startproc
  jmp *nosigbus_routines(%rip)
  .cfi_endproc
FUNCTION \name, protected
  xor %ecx, %ecx
  cmp %ecx, nosigbus_detour(%rip)
  jne .L_detour_\name
  .else
FUNCTION \name
  .if \kind == WATCHED
  mov nosigbus_overlay_census(%rip), %r10
  xor %ecx, %ecx
  .endif
  .endif
  cmp $\v, %rdx
  jb .L_below_v_\name
  cmp $2*\v, %rdx
  ja .L_above_2v_\name

  // V...2 V
  MOVE_\isa \reads, .E_begin_load_\name, (%rsi), %\r\()0
  MOVE_\isa \reads, .E_begin_load_\name, -\v(%rsi,%rdx), %\r\()1
  CLEAR_RECORD \kind
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()0, (%rdi)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()1, -\v(%rdi,%rdx)
  LEAVE_\isa
  DONE \name, \kind

  // 2 V...4 V
.L_above_2v_\name:
  cmp $4*\v, %rdx
  ja .L_above_4v_\name
  MOVE_\isa \reads, .E_begin_load_\name, (%rsi), %\r\()0
  MOVE_\isa \reads, .E_begin_load_\name, 1*\v(%rsi), %\r\()1
  MOVE_\isa \reads, .E_begin_load_\name, -2*\v(%rsi,%rdx), %\r\()2
  MOVE_\isa \reads, .E_begin_load_\name, -1*\v(%rsi,%rdx), %\r\()3
  CLEAR_RECORD \kind
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()0, (%rdi)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()1, 1*\v(%rdi)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()2, -2*\v(%rdi,%rdx)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()3, -1*\v(%rdi,%rdx)
  LEAVE_\isa
  DONE \name, \kind

.L_below_v_\name:
  .if \v > 32
  cmp $32, %edx
  jae .L_32_\name
  .endif
  .if \v > 16
  cmp $16, %edx
  jae .L_16_\name
  .endif
  cmp $8, %edx
  jae .L_8_\name
  cmp $4, %edx
  jae .L_4_\name
  cmp $1, %edx
  jbe .L_1_\name
  GUARDED \reads, .E_begin_load_\name, movzwl -2(%rsi,%rdx), %eax
  GUARDED \reads, .E_begin_load_\name, movzwl (%rsi), %\b32
  CLEAR_RECORD \kind, r9
  GUARDED \writes, .E_begin_store_\name, movw %\b16, (%rdi)
  GUARDED \writes, .E_begin_store_\name, movw %ax, -2(%rdi,%rdx)
  DONE \name, \kind
.L_8_\name:
  GUARDED \reads, .E_begin_load_\name, movq -8(%rsi,%rdx), %rax
  GUARDED \reads, .E_begin_load_\name, movq (%rsi), %\b64
  CLEAR_RECORD \kind, r9
  GUARDED \writes, .E_begin_store_\name, movq %\b64, (%rdi)
  GUARDED \writes, .E_begin_store_\name, movq %rax, -8(%rdi,%rdx)
  DONE \name, \kind
.L_4_\name:
  GUARDED \reads, .E_begin_load_\name, movl -4(%rsi,%rdx), %eax
  GUARDED \reads, .E_begin_load_\name, movl (%rsi), %\b32
  CLEAR_RECORD \kind, r9
  GUARDED \writes, .E_begin_store_\name, movl %\b32, (%rdi)
  GUARDED \writes, .E_begin_store_\name, movl %eax, -4(%rdi,%rdx)
  DONE \name, \kind
  ALIGN_LINE \kind
  .if \v > 16
.L_16_\name:
  MOVE_\isa \reads, .E_begin_load_\name, (%rsi), %xmm0
  MOVE_\isa \reads, .E_begin_load_\name, -16(%rsi,%rdx), %xmm1
  CLEAR_RECORD \kind
  MOVE_\isa \writes, .E_begin_store_\name, %xmm0, (%rdi)
  MOVE_\isa \writes, .E_begin_store_\name, %xmm1, -16(%rdi,%rdx)
  DONE \name, \kind
  .endif
  .if \v > 32
.L_32_\name:
  MOVE_\isa \reads, .E_begin_load_\name, (%rsi), %ymm20
  MOVE_\isa \reads, .E_begin_load_\name, -32(%rsi,%rdx), %ymm21
  CLEAR_RECORD \kind
  MOVE_\isa \writes, .E_begin_store_\name, %ymm20, (%rdi)
  MOVE_\isa \writes, .E_begin_store_\name, %ymm21, -32(%rdi,%rdx)
  DONE \name, \kind
  .endif
.L_1_\name:
  jb .L_0_\name
  GUARDED \reads, .E_begin_load_\name, movzbl (%rsi), %eax
  GUARDED \writes, .E_begin_store_\name, movb %al, (%rdi)
.L_0_\name:
  CLEAR_RECORD \kind
  DONE \name, \kind

  ALIGN_LINE \kind
.L_above_4v_\name:
  cmp $8*\v, %rdx
  ja .L_above_8v_\name
  MOVE_\isa \reads, .E_begin_load_\name, (%rsi), %\r\()0
  MOVE_\isa \reads, .E_begin_load_\name, 1*\v(%rsi), %\r\()1
  MOVE_\isa \reads, .E_begin_load_\name, 2*\v(%rsi), %\r\()2
  MOVE_\isa \reads, .E_begin_load_\name, 3*\v(%rsi), %\r\()3
  MOVE_\isa \reads, .E_begin_load_\name, -4*\v(%rsi,%rdx), %\r\()4
  MOVE_\isa \reads, .E_begin_load_\name, -3*\v(%rsi,%rdx), %\r\()5
  MOVE_\isa \reads, .E_begin_load_\name, -2*\v(%rsi,%rdx), %\r\()6
  MOVE_\isa \reads, .E_begin_load_\name, -1*\v(%rsi,%rdx), %\r\()7
  CLEAR_RECORD \kind
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()0, (%rdi)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()1, 1*\v(%rdi)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()2, 2*\v(%rdi)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()3, 3*\v(%rdi)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()4, -4*\v(%rdi,%rdx)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()5, -3*\v(%rdi,%rdx)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()6, -2*\v(%rdi,%rdx)
  MOVE_\isa \writes, .E_begin_store_\name, %\r\()7, -1*\v(%rdi,%rdx)
  LEAVE_\isa
  DONE \name, \kind

.L_above_8v_\name:
  cmp nosigbus_routines+LARGE_FROM(%rip), %rdx
  jae .L_large_\name
  LOOP \name, \isa, \v, \r, \reads, \writes, MOVE
  .if \kind
  xor %ecx, %ecx
  .endif
  CLEAR_RECORD \kind
  DONE \name, \kind, 1

.L_large_\name:
  cmp nosigbus_routines+STREAM_FROM(%rip), %rdx
  jae .L_stream_\name
  mov %rdx, %rcx
  GUARDED (\reads | \writes), .E_string_\name, rep movsb
  CLEAR_RECORD \kind
  .if \kind
  sub %rdx, %rdi               // as they came, for whoever looks further
  sub %rdx, %rsi
  .endif
  DONE \name, \kind, 1

.L_stream_\name:
  LOOP \name, \isa, \v, \r, \reads, \writes, STREAM
  sfence                       // a fault needs none: delivering a signal orders stores, too
  .if \kind
  xor %ecx, %ecx
  .endif
  CLEAR_RECORD \kind
  DONE \name, \kind, 1

  .if \kind
.L_overlays_\name:
  mov %rdx, %rcx
  jmp .E_byte_\name
  .endif

.E_string_\name:              // rcx bytes are left; back to the state of the other landing pads
  mov %rdx, %r8
  sub %rcx, %r8
  sub %r8, %rdi
  sub %r8, %rsi
  mov %r8, %rcx
  jmp .E_byte_\name
  .if \writes
.E_begin_store_\name:         // nothing is done for certain
  xor %ecx, %ecx
.E_store_\name:               // A lies in dst
  mov %rdi, %r9
  jmp .L_owed_\name
  .endif
  .if \reads
.E_begin_load_\name:
  xor %ecx, %ecx
.E_load_\name:                // A lies in src
  mov %rsi, %r9
  .endif
.L_owed_\name:
  LEAVE_\isa
  and $-4096, %rax
  sub %r9, %rax                // start of A's page as an offset; wraps where it lies below the buffer
  lea 4096(%rax), %r8          // its end
  cmp %rcx, %rax
  jg .L_limit_\name           // page begins behind copied: copy up to it
  cmp %rcx, %r8
  jg .E_byte_\name            // copied lies on the page
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
  .if \kind == WATCHED
  mov %r10, %r8
  jmp nosigbus_finish_read
  .elseif \kind == PUBLIC
  xor %r8d, %r8d               // no overlays, and none before
  jmp nosigbus_finish_read
  .else
  mov %rcx, %rax
  ret
  .endif
END_FUNCTION \name
.endm

.macro FAMILY isa, v, r
COPY nosigbus_copy_read_\isa, \isa, \v, \r, NOSIGBUS_ROW_READ, 0, INTERNAL
COPY nosigbus_copy_write_\isa, \isa, \v, \r, 0, NOSIGBUS_ROW_WRITE, INTERNAL
COPY nosigbus_copy_both_\isa, \isa, \v, \r, NOSIGBUS_ROW_READ, NOSIGBUS_ROW_WRITE, INTERNAL
COPY nosigbus_watched_read_\isa, \isa, \v, \r, NOSIGBUS_ROW_READ, 0, WATCHED
.endm

  .text
COPY nosigbus_safe_read, avx2, 32, ymm, NOSIGBUS_ROW_READ, 0, PUBLIC, rsi, esi, si
FAMILY sse2, 16, xmm
FAMILY avx2, 32, ymm
FAMILY avx512, 64, zmm2          // and a digit: zmm20 ... zmm27

END_OF_FILE
