// SPDX-License-Identifier: MIT
//
// Guarded fill for aarch64 (Advanced SIMD).
//
// size_t nosigbus_fill_guarded(void* dst, int byte, size_t n)
//
// Contract: returns the number of bytes written in front of the first byte that could not be stored; n
// when all were written. Exact to the byte at any fault; nothing behind it is written.
//
//   x0   dst            w1  byte, then in all 8 bytes of x1 and all 16 of q0      x2  n
//   x3   at: every byte below it is done for certain. In the byte loop: at - dst, the number written
//   x4   scratch        x5  end of the loop; scratch      x7  end of dst
//   x16  in a landing pad, the faulting address; then the limit of the byte loop
//
// Algorithm and landing pads are copy.S's, without the loads.
#include "asm.h"

#define STORE GUARDED NOSIGBUS_ROW_WRITE, .E_store,

  .text
FUNCTION nosigbus_fill_guarded
  mov x3, x0
  add x7, x0, x2
  and x1, x1, #0xff
  mov x4, #0x0101010101010101
  mul x1, x1, x4
  cmp x2, #16
  b.lo .L_below_16
  dup v0.2d, x1
  cmp x2, #64
  b.hi .L_above_64

  // 16...64
  STORE str q0, [x0]
  cmp x2, #32
  b.ls .L_last_16
  STORE str q0, [x0, #16]
  STORE stur q0, [x7, #-32]
.L_last_16:
  STORE stur q0, [x7, #-16]
  mov x0, x2
  ret

.L_above_64:
  STORE str q0, [x0]
  add x3, x0, #16
  and x3, x3, #-16             // aligned; 1...16 bytes of the first store count
  sub x5, x7, #64
  cmp x3, x5
  b.hs .L_last_64
  .p2align 4
.L_loop:
  STORE stp q0, q0, [x3]
  STORE stp q0, q0, [x3, #32]
  add x3, x3, #64
  cmp x3, x5
  b.lo .L_loop
.L_last_64:
  STORE stp q0, q0, [x7, #-64]
  STORE stp q0, q0, [x7, #-32]
  mov x0, x2
  ret

.L_below_16:
  tbz x2, #3, .L_below_8
  STORE str x1, [x0]
  STORE stur x1, [x7, #-8]
  mov x0, x2
  ret
.L_below_8:
  tbz x2, #2, .L_below_4
  STORE str w1, [x0]
  STORE stur w1, [x7, #-4]
  mov x0, x2
  ret
.L_below_4:                    // the first, the middle and the last byte, which may be the same
  cbz x2, .L_0
  lsr x5, x2, #1
  STORE strb w1, [x0]
  STORE strb w1, [x0, x5]
  STORE sturb w1, [x7, #-1]
.L_0:
  mov x0, x2
  ret

.E_store:
  sub x3, x3, x0
  and x16, x16, #-4096
  sub x16, x16, x0             // start of the bad page as an offset; negative below the buffer
  sbfx x16, x16, #0, #56       // dst may have an address tag, the faulting address has none
  add x4, x16, #4096           // its end
  cmp x16, x3
  b.gt .L_limit                // page begins behind written: write up to it
  cmp x4, x3
  b.gt .E_byte                 // written lies on the page
  mov x16, x2                  // page ends below written: try all that is left
.L_limit:
  cmp x16, x2
  csel x16, x16, x2, lo
.L_byte:
  GUARDED NOSIGBUS_ROW_WRITE, .E_byte, strb w1, [x0, x3]
  add x3, x3, #1
  cmp x3, x16
  b.lo .L_byte
.E_byte:
  mov x0, x3
  ret
END_FUNCTION nosigbus_fill_guarded

END_OF_FILE
