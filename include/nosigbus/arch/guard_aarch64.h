/* SPDX-License-Identifier: MIT
 *
 * aarch64: the statements that <nosigbus/arch/guard.h> lists.
 *
 * Kept for landing, in `registers` of the point: the stack pointer; x29 and x19, which may address the frame
 * and cannot be clobbered then; x18, which a platform may have reserved; the program counter. x0 has the
 * point, and has it again at landing.
 */
#ifndef NOSIGBUS_ARCH_GUARD_AARCH64_H
#define NOSIGBUS_ARCH_GUARD_AARCH64_H

/* Faults have no tag. */
#define NOSIGBUS_GUARD_ADDRESS(begin) ((begin) & (UINTPTR_MAX >> 8))

/* clang-format off */

#ifdef __ARM_FEATURE_SVE
#define NOSIGBUS_GUARD_CLOBBERS_MORE                                                                          \
  , "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15"
#else
#define NOSIGBUS_GUARD_CLOBBERS_MORE
#endif
#define NOSIGBUS_GUARD_CLOBBERS                                                                              \
  "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",     \
      "x17", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3",   \
      "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18",     \
      "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc",       \
      "memory" NOSIGBUS_GUARD_CLOBBERS_MORE

/* Guarded control stack (Arm ARM DDI 0487, "FEAT_GCS"), by encoding: assemblers do not know it yet. hint #40 is
 * chkfeat, which clears bit 0 of x16 where it is enabled; s3_3_c2_c5_1 is GCSPR_EL0; 0xd52b773f is gcspopm xzr.
 *
 * Offsets as checked in src/shared/guard.h. */
#define NOSIGBUS_GUARD_ENTER(point, landing)                       \
  register void* nosigbus_entered __asm__("x0") = (point);         \
  __asm__ __volatile__ goto(                                       \
      "mov x1, sp\n\t"                                             \
      "stp x1, x29, [x0, #88]\n\t"                                 \
      "adrp x2, %l[" #landing "]\n\t"                              \
      "add x2, x2, :lo12:%l[" #landing "]\n\t"                     \
      "stp x19, x18, [x0, #104]\n\t"                               \
      "str x2, [x0, #120]\n\t"                                     \
      "adrp x1, :gottprel:nosigbus_guard_innermost\n\t"            \
      "ldr x1, [x1, :gottprel_lo12:nosigbus_guard_innermost]\n\t"  \
      "mrs x2, tpidr_el0\n\t"                                      \
      "ldr x3, [x1, x2]\n\t"                                       \
      "str x3, [x0, #16]\n\t"                                      \
      "mov x16, #1\n\t"                                            \
      "hint #40\n\t"                                               \
      "cbnz x16, 1f\n\t"                                           \
      "mrs x4, s3_3_c2_c5_1\n\t"                                   \
      "str x4, [x0, #72]\n"                                        \
      "1:\n\t"                                                     \
      "str x0, [x1, x2]"                                           \
      :                                                            \
      : "r"(nosigbus_entered)                                      \
      : NOSIGBUS_GUARD_CLOBBERS                                    \
      : landing)

/* The return addresses of the calls that were left come off the shadow stack. */
#define NOSIGBUS_GUARD_LANDED(point)                               \
  register void* nosigbus_landed __asm__("x0") = (point);          \
  __asm__ __volatile__(                                            \
      "mov x16, #1\n\t"                                            \
      "hint #40\n\t"                                               \
      "cbnz x16, 2f\n\t"                                           \
      "ldr x1, [x0, #72]\n"                                        \
      "1:\n\t"                                                     \
      "mrs x2, s3_3_c2_c5_1\n\t"                                   \
      "cmp x2, x1\n\t"                                             \
      "b.eq 2f\n\t"                                                \
      ".inst 0xd52b773f\n\t"                                       \
      "b 1b\n"                                                     \
      "2:"                                                         \
      :                                                            \
      : "r"(nosigbus_landed)                                       \
      : NOSIGBUS_GUARD_CLOBBERS)

/* Not a store to a variable: compilers keep the address of a thread-local over calls, and a fiber may have gone on
 * on another thread. */
#define NOSIGBUS_GUARD_LEAVE(point)                                \
  __asm__ __volatile__(                                            \
      "adrp x1, :gottprel:nosigbus_guard_innermost\n\t"            \
      "ldr x1, [x1, :gottprel_lo12:nosigbus_guard_innermost]\n\t"  \
      "mrs x2, tpidr_el0\n\t"                                      \
      "ldr x3, [%0, #16]\n\t"                                      \
      "str x3, [x1, x2]"                                           \
      :                                                            \
      : "r"(point)                                                 \
      : "x1", "x2", "x3", "memory")

/* clang-format on */

#endif
