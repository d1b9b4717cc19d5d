// SPDX-License-Identifier: MIT
//
// The decoder against the assembler: each row is an instruction as the assembler encodes it, never
// executed, with the access it makes.
#include <decode.h>
#include <doctest/doctest.h>

#include <string>

extern "C" {
struct decode_row {
  uint32_t instruction;
  uint32_t access;
  char text[48];
};
extern const decode_row __start_decode_rows[];
extern const decode_row __stop_decode_rows[];
}

// clang-format off
asm(R"(
  .arch armv8.7-a+sve+memtag+ls64+rng
  .altmacro
  .macro row access, text:vararg
    .pushsection decode_rows, "a", %progbits
    .balign 4
    \text
    .long \access
    9: .ascii "\text"
    .zero 48 - (. - 9b)
    .popsection
  .endm
  .noaltmacro
  .macro none text:vararg
    row 0, \text
  .endm
  .macro reads text:vararg
    row 1, \text
  .endm
  .macro writes text:vararg
    row 2, \text
  .endm

  // unsigned offset, all sizes
  reads ldrb w0, [x1, #1]
  reads ldrh w0, [x1, #2]
  reads ldr w0, [x1, #4]
  reads ldr x0, [x1, #8]
  reads ldrsb w0, [x1]
  reads ldrsb x0, [x1]
  reads ldrsh w0, [x1]
  reads ldrsh x0, [x1]
  reads ldrsw x0, [x1]
  writes strb w0, [x1, #1]
  writes strh w0, [x1, #2]
  writes str w0, [x1, #4]
  writes str x0, [x1, #8]
  none prfm pldl1keep, [x1]
  none prfm pstl1keep, [x1, #8]

  // unscaled, unprivileged
  reads ldurb w0, [x1, #-1]
  reads ldursb x0, [x1, #-1]
  reads ldursw x0, [x1, #-1]
  reads ldur x0, [x1, #-1]
  writes sturb w0, [x1, #-1]
  writes stur x0, [x1, #-1]
  none prfum pldl1keep, [x1, #-1]
  reads ldtr x0, [x1]
  reads ldtrsb w0, [x1]
  writes sttr x0, [x1]

  // pre-index, post-index
  reads ldr x0, [x1, #8]!
  reads ldr x0, [x1], #8
  reads ldrsh x0, [x1], #2
  writes str x0, [x1, #8]!
  writes str w0, [x1], #-4
  writes strb w0, [x1], #1

  // register offset
  reads ldr x0, [x1, x2]
  reads ldr w0, [x1, w2, uxtw #2]
  reads ldrsb w0, [x1, x2]
  writes str x0, [x1, x2, lsl #3]
  writes strh w0, [x1, w2, sxtw]
  none prfm pldl1keep, [x1, x2]

  // literal
  reads ldr x0, .
  reads ldr w0, .
  reads ldrsw x0, .
  reads ldr q0, .
  reads ldr s0, .
  none prfm pldl1keep, .

  // pairs
  reads ldp x0, x2, [x1]
  reads ldp w0, w2, [x1, #8]!
  reads ldp x0, x2, [x1], #16
  reads ldpsw x0, x2, [x1]
  reads ldnp x0, x2, [x1]
  reads ldp q0, q2, [x1, #32]
  reads ldp s0, s2, [x1], #8
  reads ldnp d0, d2, [x1]
  writes stp x0, x2, [x1]
  writes stp w0, w2, [x1, #-8]!
  writes stp x0, x2, [x1], #16
  writes stnp x0, x2, [x1]
  writes stp q0, q2, [x1, #32]
  writes stp d0, d2, [x1, #-16]!
  writes stnp q0, q2, [x1]

  // SIMD and floating point, one register
  reads ldr b0, [x1]
  reads ldr h0, [x1], #2
  reads ldr s0, [x1, #4]
  reads ldr d0, [x1, x2]
  reads ldr q0, [x1, #16]
  reads ldur q0, [x1, #-1]
  reads ldr q0, [x1, x2, lsl #4]
  writes str b0, [x1]
  writes str h0, [x1, #2]!
  writes str s0, [x1, #4]
  writes str d0, [x1, x2]
  writes str q0, [x1, #16]
  writes stur q0, [x1, #-1]
  writes stur d0, [x1, #-1]

  // SIMD structures
  reads ld1 {v0.16b}, [x1]
  reads ld1 {v0.16b, v1.16b, v2.16b, v3.16b}, [x1], #64
  reads ld4 {v0.4s, v1.4s, v2.4s, v3.4s}, [x1]
  reads ld1r {v0.8h}, [x1]
  reads ld1 {v0.s}[1], [x1], #4
  reads ld2 {v0.b, v1.b}[3], [x1]
  writes st1 {v0.16b}, [x1]
  writes st1 {v0.16b, v1.16b}, [x1], x2
  writes st3 {v0.8b, v1.8b, v2.8b}, [x1]
  writes st1 {v0.d}[1], [x1]
  writes st2 {v0.h, v1.h}[3], [x1], #4

  // exclusive, acquire and release
  reads ldxr x0, [x1]
  reads ldaxrb w0, [x1]
  reads ldxp x0, x2, [x1]
  reads ldaxp w0, w2, [x1]
  reads ldar x0, [x1]
  reads ldarh w0, [x1]
  reads ldlar x0, [x1]
  reads ldapr x0, [x1]
  reads ldaprb w0, [x1]
  reads ldapur x0, [x1, #-1]
  reads ldapurb w0, [x1]
  reads ldapursb w0, [x1]
  reads ldapursw x0, [x1]
  writes stxr w3, x0, [x1]
  writes stlxrb w3, w0, [x1]
  writes stxp w3, x0, x2, [x1]
  writes stlr x0, [x1]
  writes stllr w0, [x1]
  writes stlur x0, [x1, #-1]
  writes stlurh w0, [x1]

  // atomics read and write
  writes ldadd x0, x2, [x1]
  writes ldaddal w0, w2, [x1]
  writes stadd x0, [x1]
  writes ldclrb w0, w2, [x1]
  writes ldeora x0, x2, [x1]
  writes ldsetl x0, x2, [x1]
  writes ldsmax x0, x2, [x1]
  writes ldumin w0, w2, [x1]
  writes swp x0, x2, [x1]
  writes swpalh w0, w2, [x1]
  writes cas x0, x2, [x1]
  writes casalb w0, w2, [x1]
  writes casp x0, x1, x2, x3, [x4]
  writes caspal w0, w1, w2, w3, [x4]
  writes st64b x0, [x8]
  writes st64bv x9, x0, [x8]
  reads ld64b x0, [x8]

  // authenticated
  reads ldraa x0, [x1]
  reads ldrab x0, [x1, #8]!

  // tags of memory tagging
  reads ldg x0, [x1]
  writes stg x0, [x1]
  writes stzg x0, [x1, #16]!
  writes st2g x0, [x1], #32
  writes stz2g x0, [x1]
  writes stgp x0, x2, [x1]

  // caches
  writes dc zva, x0
  writes dc gva, x0
  writes dc gzva, x0
  reads dc cvau, x0
  reads dc cvac, x0
  reads dc civac, x0
  reads ic ivau, x0

  // SVE
  reads ld1b {z0.b}, p0/z, [x1]
  reads ld1d {z0.d}, p0/z, [x1, z2.d]
  reads ld1w {z0.s}, p0/z, [x1, z2.s, uxtw]
  reads ldff1b {z0.b}, p0/z, [x1]
  reads ldr z0, [x1]
  reads ld4d {z0.d, z1.d, z2.d, z3.d}, p0/z, [x1]
  writes st1b {z0.b}, p0, [x1]
  writes st1d {z0.d}, p0, [x1, z2.d]
  writes str z0, [x1]
  writes st2w {z0.s, z1.s}, p0, [x1]

  // no access to memory
  none nop
  none add x0, x1, x2
  none adrp x0, .
  none b .
  none blr x0
  none ret
  none svc #0
  none fadd v0.4s, v1.4s, v2.4s
  none mov x0, #1
  none mrs x0, tpidr_el0
  none dmb ish
  none ptrue p0.b
)");
// clang-format on

TEST_CASE("The decoder knows what each class of instructions does to memory") {
  CHECK(__stop_decode_rows - __start_decode_rows > 150);
  for (const decode_row* row = __start_decode_rows; row != __stop_decode_rows; ++row) {
    INFO(std::string(row->text));
    CHECK(nosigbus::arch::decode_access(row->instruction) == row->access);
  }
}

TEST_CASE("The decoder knows classes that the assembler may not") {
  using nosigbus::arch::decode_access;
  CHECK(decode_access(0x1921'1002) == NOSIGBUS_WRITE);           // ldclrp x2, x1, [x0]
  CHECK(decode_access(0x1921'8002) == NOSIGBUS_WRITE);           // swpp x2, x1, [x0]
  CHECK(decode_access(0x19c2'0440) == NOSIGBUS_WRITE);           // setp [x0]!, x2!, x2
  CHECK(decode_access(0x1901'0440) == NOSIGBUS_ACCESS_UNKNOWN);  // cpyfp [x0]!, [x1]!, x2!
}
