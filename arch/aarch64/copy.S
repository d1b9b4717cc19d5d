// SPDX-License-Identifier: MIT
//
// Guarded copies for aarch64 (Advanced SIMD).
//
// size_t nosigbus_copy_{read,write,both}(void* dst, const void* src, size_t n)
// size_t nosigbus_safe_read(void* dst, const void* src, size_t n)
//
// Contract of the first: returns the number of bytes copied in front of the first byte that could not be
// loaded (read), stored (write), or either (both); n when all were copied. Exact to the byte at any fault.
// Up to that count dst holds src's bytes. Behind it, nothing has been stored, except that dst may hold
// bytes of src that were loaded before the source shrank. Source and destination do not overlap. A fault
// on the side that is not guarded is an ordinary fault.
// The second is the public function, for a process without regions (with regions it goes where
// nosigbus_routines says): it clears the thread's record when all is well, and leaves to
// nosigbus_finish_read (copy.cpp) whatever is not.
//
//   x0   dst            x1   src           x2  n
//   x3   at: where dst goes on; every byte below it is done for certain, and no landing pad knows more
//        than this. In the byte loop: at - dst, the number copied
//   x4   where src goes on                 x5  end of the loop; scratch
//   x6   end of src     x7   end of dst    x8...x10  bytes
//   x16  in a landing pad, the faulting address; then the limit of the byte loop
//
// Algorithm: up to 128 bytes, all loads before all stores, from both ends, overlapping in the middle.
// Above, the first 16 bytes, then 64 at a time to a 16-byte aligned destination, then the last 64
// bytes, overlapping. Stores go upwards.
//
// A landing pad knows what is copied and the faulting address A. Where A's page begins behind `copied`,
// the bytes in front of that page are still owed (a pair that crosses into it may have been stored by
// half, or not at all): a byte loop, itself guarded, copies them. Where `copied` lies on A's page, it is
// the answer. Where A's page lies wholly below `copied` (a page that was there a moment ago went away
// under an overlapping load) the byte loop finds out. The byte loop's own landing pad has the exact
// answer. 4096 here is a lower bound of the page size: with larger pages the byte loop runs into the bad
// page and finds the same answer. The buffers may have address tags, A has none: bits 56 and above do
// not count.
#include "asm.h"

// All is copied. The public routine clears the record. long: of a copy that takes its time; its memory may
// have become the first region of all meanwhile. The barrier orders the copy's loads before that of the flag.
.macro DONE name, public, long=0
  .if \public
  .if \long
  dmb ishld
  adrp x5, nosigbus_detour
  ldr w5, [x5, #:lo12:nosigbus_detour]
  cbnz w5, .L_overlays_\name
  .endif
  mrs x5, tpidr_el0
  adrp x4, :gottprel:nosigbus_last_fault_record
  ldr x4, [x4, #:gottprel_lo12:nosigbus_last_fault_record]
  add x4, x4, x5
  str wzr, [x4, #FAULT_CAUSE]
  .endif
  mov x0, x2
  ret
.endm

.macro COPY name, reads, writes, public=0
  .if \public
FUNCTION \name, protected
  adrp x16, nosigbus_detour
  ldr w16, [x16, #:lo12:nosigbus_detour]
  cbnz w16, .L_detour_\name
  .else
FUNCTION \name
  .endif
  mov x3, x0
  add x6, x1, x2
  add x7, x0, x2
  cmp x2, #16
  b.lo .L_below_16_\name
  cmp x2, #32
  b.hi .L_above_32_\name

  // 16...32
  GUARDED \reads, .E_load_\name, ldr q0, [x1]
  GUARDED \reads, .E_load_\name, ldur q1, [x6, #-16]
  GUARDED \writes, .E_store_\name, str q0, [x0]
  GUARDED \writes, .E_store_\name, stur q1, [x7, #-16]
  DONE \name, \public

.L_above_32_\name:
  cmp x2, #128
  b.hi .L_above_128_\name
  cmp x2, #64
  b.hi .L_above_64_\name

  // 33...64
  GUARDED \reads, .E_load_\name, ldp q0, q1, [x1]
  GUARDED \reads, .E_load_\name, ldp q2, q3, [x6, #-32]
  GUARDED \writes, .E_store_\name, stp q0, q1, [x0]
  GUARDED \writes, .E_store_\name, stp q2, q3, [x7, #-32]
  DONE \name, \public

  // 65...128
.L_above_64_\name:
  GUARDED \reads, .E_load_\name, ldp q0, q1, [x1]
  GUARDED \reads, .E_load_\name, ldp q2, q3, [x1, #32]
  GUARDED \reads, .E_load_\name, ldp q4, q5, [x6, #-64]
  GUARDED \reads, .E_load_\name, ldp q6, q7, [x6, #-32]
  GUARDED \writes, .E_store_\name, stp q0, q1, [x0]
  GUARDED \writes, .E_store_\name, stp q2, q3, [x0, #32]
  GUARDED \writes, .E_store_\name, stp q4, q5, [x7, #-64]
  GUARDED \writes, .E_store_\name, stp q6, q7, [x7, #-32]
  DONE \name, \public

.L_above_128_\name:
  GUARDED \reads, .E_load_\name, ldr q0, [x1]
  GUARDED \writes, .E_store_\name, str q0, [x0]
  add x3, x0, #16
  and x3, x3, #-16             // aligned; 1...16 bytes of the first store count
  sub x4, x3, x0
  add x4, x1, x4
  sub x5, x7, #64
  .p2align 4
.L_loop_\name:
  GUARDED \reads, .E_load_\name, ldp q0, q1, [x4]
  GUARDED \reads, .E_load_\name, ldp q2, q3, [x4, #32]
  GUARDED \writes, .E_store_\name, stp q0, q1, [x3]
  GUARDED \writes, .E_store_\name, stp q2, q3, [x3, #32]
  add x4, x4, #64
  add x3, x3, #64
  cmp x3, x5
  b.lo .L_loop_\name
  GUARDED \reads, .E_load_\name, ldp q0, q1, [x6, #-64]
  GUARDED \reads, .E_load_\name, ldp q2, q3, [x6, #-32]
  GUARDED \writes, .E_store_\name, stp q0, q1, [x7, #-64]
  GUARDED \writes, .E_store_\name, stp q2, q3, [x7, #-32]
  DONE \name, \public, 1

.L_below_16_\name:
  tbz x2, #3, .L_below_8_\name
  GUARDED \reads, .E_load_\name, ldr x8, [x1]
  GUARDED \reads, .E_load_\name, ldur x9, [x6, #-8]
  GUARDED \writes, .E_store_\name, str x8, [x0]
  GUARDED \writes, .E_store_\name, stur x9, [x7, #-8]
  DONE \name, \public
.L_below_8_\name:
  tbz x2, #2, .L_below_4_\name
  GUARDED \reads, .E_load_\name, ldr w8, [x1]
  GUARDED \reads, .E_load_\name, ldur w9, [x6, #-4]
  GUARDED \writes, .E_store_\name, str w8, [x0]
  GUARDED \writes, .E_store_\name, stur w9, [x7, #-4]
  DONE \name, \public
.L_below_4_\name:              // the first, the middle and the last byte, which may be the same
  cbz x2, .L_0_\name
  lsr x5, x2, #1
  GUARDED \reads, .E_load_\name, ldrb w8, [x1]
  GUARDED \reads, .E_load_\name, ldrb w9, [x1, x5]
  GUARDED \reads, .E_load_\name, ldurb w10, [x6, #-1]
  GUARDED \writes, .E_store_\name, strb w8, [x0]
  GUARDED \writes, .E_store_\name, strb w9, [x0, x5]
  GUARDED \writes, .E_store_\name, sturb w10, [x7, #-1]
.L_0_\name:
  DONE \name, \public

  .if \public
.L_overlays_\name:
  mov x3, x2
  b .E_byte_\name
.L_detour_\name:
  adrp x16, nosigbus_routines
  ldr x16, [x16, #:lo12:nosigbus_routines]
  br x16
  .endif

  .if \writes
.E_store_\name:                // A lies in dst
  mov x5, x0
  b .L_owed_\name
  .endif
.E_load_\name:                 // A lies in src
  mov x5, x1
.L_owed_\name:
  sub x3, x3, x0
  and x16, x16, #-4096
  sub x16, x16, x5             // start of A's page as an offset; negative where it lies below the buffer
  sbfx x16, x16, #0, #56
  add x4, x16, #4096           // its end; n at least, unless the page lies below `copied`
  cmp x16, x3
  b.gt .L_limit_\name          // page begins behind copied: copy up to it
  cmp x4, x3
  b.gt .E_byte_\name           // copied lies on the page
  mov x16, x2                  // page ends below copied: try all that is left
.L_limit_\name:
  cmp x16, x2
  csel x16, x16, x2, lo
.L_byte_\name:
  GUARDED \reads, .E_byte_\name, ldrb w8, [x1, x3]
  GUARDED \writes, .E_byte_\name, strb w8, [x0, x3]
  add x3, x3, #1
  cmp x3, x16
  b.lo .L_byte_\name
.E_byte_\name:
  .if \public
  mov x4, #0                   // no overlays, and none before
  b nosigbus_finish_read
  .else
  mov x0, x3
  ret
  .endif
END_FUNCTION \name
.endm

  .text
COPY nosigbus_safe_read, NOSIGBUS_ROW_READ, 0, 1
COPY nosigbus_copy_read, NOSIGBUS_ROW_READ, 0
COPY nosigbus_copy_write, 0, NOSIGBUS_ROW_WRITE
COPY nosigbus_copy_both, NOSIGBUS_ROW_READ, NOSIGBUS_ROW_WRITE

END_OF_FILE
