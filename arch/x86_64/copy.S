// SPDX-License-Identifier: MIT
//
// Guarded copies for x86_64, one set of routines for each width of vector.
//
// size_t nosigbus_copy_{read,write,both}_{sse2,avx2,avx512}(void* dst, const void* src, size_t n)
// size_t nosigbus_watched_read_{sse2,avx2,avx512}(void* dst, const void* src, size_t n)
// size_t nosigbus_read_{avx2,avx512}(void* dst, const void* src, size_t n)
//
// Contract of the first: returns the number of bytes copied in front of the first byte that could not be
// loaded (read), stored (write), or either (both); n when all were copied. Exact to the byte at any fault.
// Up to that count dst holds src's bytes. Behind it nothing has been stored, except (both) bytes of src
// that were loaded before the source shrank. Source and destination do not overlap. A fault on the side
// that is not guarded is an ordinary fault.
// The others are the public read itself: they see to it that the thread's record is clear when all is well,
// and leave to nosigbus_finish_read (copy.cpp) whatever is not. A watched read clears it after its last load,
// and looks at the overlay census before and after. The last are nosigbus_safe_read (routines.cpp) for a
// process without regions. Where anything calls for attention, a record that is not clear, regions, or another
// set in force, they first see to that, and go where nosigbus_routines says for the latter two.
//
//   rdi  dst            rsi  src           rdx  n; up to 2 V, n - V, and rax n
//   rcx  copied: every byte below it is done for certain; no landing pad knows more than this. Before the
//        loop of a public read, 0; for `rep movsb`, what is left
//   r8   end of the loop   r9  scratch, limit of the byte loop   r10  the census before (watched)
//   rax  scratch; result; in a landing pad, the faulting address
//
// Algorithm, with V the vector's size: up to 8 V, all loads before all stores, from both ends,
// overlapping in the middle. Above, the first V bytes, then 4 V at a time to an aligned destination, then
// the last 4 V bytes, overlapping, or the rest by `rep movsb`, which keeps rcx, rsi and rdi exact at a fault.
// Stores go upwards. From routines::large_from bytes on, `rep movsb` takes all; from routines::stream_from on,
// what would not fit into the cache is stored past it.
//
// A landing pad knows `copied` and the faulting address A. Where A's page begins behind `copied`, the
// bytes in front of that page are still owed: a byte loop, itself guarded, copies them. Where `copied`
// lies on A's page, it is the answer. Where A's page lies wholly below `copied` (a page that was there
// a moment ago went away under an overlapping load) the byte loop finds out. The byte loop's own
// landing pad has the exact answer in `copied`. 4096 is a lower bound of the page size: with huge pages
// the byte loop runs into the bad page and finds the same answer.
//
// A short copy costs what its branches and the lines of code that it is fetched from cost: V...2 V are copied
// within the first 64 bytes, what is shorter begins with the next, and most branches are short ones.
#include "asm.h"
#include "copy.inc"

// b64, b32, b16: what takes the first bytes of a short copy, and free, what need not be kept. rsi itself is shorter
// where nobody needs it after the loads.
.macro COPY name, isa, v, r, reads, writes, kind, b64=r8, b32=r8d, b16=r8w, free=r9
  ALIGN_LINE \kind
  .if \kind == PUBLIC
  .skip 64 - 32                // the jump to it is a short one
.L_attention_\name:
  .cfi_startproc
  CLEAR_UNLESS_DETOUR
  je .L_begin_\name
  jmp *nosigbus_routines(%rip)
  .cfi_endproc
FUNCTION \name
  LOOK_AROUND .L_attention_\name
.L_begin_\name:
  .else
FUNCTION \name
  .if \kind == WATCHED
  mov nosigbus_overlay_census(%rip), %r10
  xor %ecx, %ecx
  .endif
  .endif
  mov %rdx, %rax
  sub $\v, %rdx
  cmp $\v, %rdx
  ja .L_other_\name

  // V...2 V
  MOVE_\isa \reads, .E_short_load_\name, (%rsi), %\r\()0
  MOVE_\isa \reads, .E_short_load_\name, (%rsi,%rdx), %\r\()1
  CLEAR_RECORD \kind, \free
  MOVE_\isa \writes, .E_short_store_\name, %\r\()0, (%rdi)
  MOVE_\isa \writes, .E_short_store_\name, %\r\()1, (%rdi,%rdx)
  LEAVE_\isa
  DONE_SHORT \name, \kind

  ALIGN_LINE \kind
.L_other_\name:
  cmp $\v, %rax
  jae .L_above_2v_\name
  .if \v > 32
  cmp $32, %eax
  jae .L_32_\name
  .elseif \v > 16
  cmp $16, %eax
  jae .L_16_\name
  .endif
  cmp $8, %eax
  jae .L_8_\name
  cmp $4, %eax
  jae .L_4_\name
  cmp $1, %eax
  jbe .L_1_\name
  GUARDED \reads, .E_short_load_\name, movzwl -2(%rsi,%rax), %r9d
  GUARDED \reads, .E_short_load_\name, movzwl (%rsi), %\b32
  CLEAR_RECORD \kind, r11
  GUARDED \writes, .E_short_store_\name, movw %\b16, (%rdi)
  GUARDED \writes, .E_short_store_\name, movw %r9w, -2(%rdi,%rax)
  DONE_SHORT \name, \kind
  ALIGN_LINE \kind
.L_8_\name:
  .if \v > 32
  cmp $16, %eax
  jae .L_16_\name
  .endif
  GUARDED \reads, .E_short_load_\name, movq -8(%rsi,%rax), %r9
  GUARDED \reads, .E_short_load_\name, movq (%rsi), %\b64
  CLEAR_RECORD \kind, r11
  GUARDED \writes, .E_short_store_\name, movq %\b64, (%rdi)
  GUARDED \writes, .E_short_store_\name, movq %r9, -8(%rdi,%rax)
  DONE_SHORT \name, \kind
.L_4_\name:
  GUARDED \reads, .E_short_load_\name, movl -4(%rsi,%rax), %r9d
  GUARDED \reads, .E_short_load_\name, movl (%rsi), %\b32
  CLEAR_RECORD \kind, r11
  GUARDED \writes, .E_short_store_\name, movl %\b32, (%rdi)
  GUARDED \writes, .E_short_store_\name, movl %r9d, -4(%rdi,%rax)
  DONE_SHORT \name, \kind
  ALIGN_LINE \kind
  .if \v > 16
.L_16_\name:
  SHORT_\isa \reads, .E_short_load_\name, (%rsi), %xmm0
  SHORT_\isa \reads, .E_short_load_\name, -16(%rsi,%rax), %xmm1
  CLEAR_RECORD \kind, \free
  SHORT_\isa \writes, .E_short_store_\name, %xmm0, (%rdi)
  SHORT_\isa \writes, .E_short_store_\name, %xmm1, -16(%rdi,%rax)
  DONE_SHORT \name, \kind
  .endif
.L_1_\name:
  jb .L_0_\name
  GUARDED \reads, .E_short_load_\name, movzbl (%rsi), %r9d
  GUARDED \writes, .E_short_store_\name, movb %r9b, (%rdi)
.L_0_\name:
  CLEAR_RECORD \kind, \free
  DONE_SHORT \name, \kind
  .if \v > 32
  ALIGN_LINE \kind
.L_32_\name:
  MOVE_\isa \reads, .E_short_load_\name, (%rsi), %ymm20
  MOVE_\isa \reads, .E_short_load_\name, -32(%rsi,%rax), %ymm21
  CLEAR_RECORD \kind, \free
  MOVE_\isa \writes, .E_short_store_\name, %ymm20, (%rdi)
  MOVE_\isa \writes, .E_short_store_\name, %ymm21, -32(%rdi,%rax)
  DONE_SHORT \name, \kind
  .endif

  // 2 V...4 V
  ALIGN_LINE \kind
.L_above_2v_\name:
  mov %rax, %rdx
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

  // 4 V...8 V
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
  DONE_LOOP \name, \kind

.L_large_\name:
  cmp nosigbus_routines+STREAM_FROM(%rip), %rdx
  jae .L_stream_\name
  mov %rdx, %rcx
.L_string_\name:
  GUARDED (\reads | \writes), .E_string_\name, rep movsb
  CLEAR_RECORD \kind
  .if \kind
  sub %rdx, %rdi               // as they came, for whoever looks further
  sub %rdx, %rsi
  .endif
  DONE \name, \kind, 1

  REST_BY_STRING \name, \v

.L_stream_\name:
  LOOP \name, \isa, \v, \r, \reads, \writes, STREAM
  sfence                       // a fault needs none: delivering a signal orders stores, too
  DONE_LOOP \name, \kind

  .if \kind
.L_overlays_short_\name:
  mov %rax, %rdx
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
.E_short_store_\name:
  add $\v, %rdx
.E_begin_store_\name:         // nothing is done for certain
  xor %ecx, %ecx
.E_store_\name:               // A lies in dst
  mov %rdi, %r9
  jmp .L_owed_\name
  .endif
  .if \reads
.E_short_load_\name:
  add $\v, %rdx
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
COPY nosigbus_read_avx2, avx2, 32, ymm, NOSIGBUS_ROW_READ, 0, PUBLIC, rsi, esi, si, rsi
COPY nosigbus_read_avx512, avx512, 64, zmm2, NOSIGBUS_ROW_READ, 0, PUBLIC, rsi, esi, si, rsi
FAMILY sse2, 16, xmm
FAMILY avx2, 32, ymm
FAMILY avx512, 64, zmm2          // and a digit: zmm20 ... zmm27

END_OF_FILE
