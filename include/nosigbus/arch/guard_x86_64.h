/* SPDX-License-Identifier: MIT
 *
 * x86_64: the statements that <nosigbus/arch/guard.h> lists.
 *
 * Kept for landing, in `registers` of the point: the stack pointer, rbp and rbx, which may address the frame
 * and cannot be clobbered then; the program counter. rax has the point, and has it again at landing.
 */
#ifndef NOSIGBUS_ARCH_GUARD_X86_64_H
#define NOSIGBUS_ARCH_GUARD_X86_64_H

#define NOSIGBUS_GUARD_ADDRESS(begin) (begin)

/* clang-format off */

#ifdef __AVX512F__
#define NOSIGBUS_GUARD_CLOBBERS_MORE                                                                          \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", \
      "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define NOSIGBUS_GUARD_CLOBBERS_MORE
#endif
#define NOSIGBUS_GUARD_CLOBBERS                                                                              \
  "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",   \
      "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",    \
      "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc",                     \
      "memory" NOSIGBUS_GUARD_CLOBBERS_MORE

/* Offsets as checked in src/shared/guard.h. rdsspq: without a shadow stack it does nothing.
 *
 * Entering is a matter of stores, which are written to the cache in order, two at a time if they are to one line:
 * of a point on a line of its own, four to its first, then four to its second. */
#define NOSIGBUS_GUARD_ENTER(point, landing)                       \
  __asm__ __volatile__ goto(                                       \
      "movq nosigbus_guard_innermost@gottpoff(%%rip), %%rcx\n\t"   \
      "movq %%fs:(%%rcx), %%rdx\n\t"                               \
      "movq %%rdx, 16(%%rax)\n\t"                                  \
      "xorl %%edx, %%edx\n\t"                                      \
      "rdsspq %%rdx\n\t"                                           \
      "testq %%rdx, %%rdx\n\t"                                     \
      "jz 1f\n\t"                                                  \
      "movq %%rdx, 72(%%rax)\n"                                    \
      "1:\n\t"                                                     \
      "movq %%rsp, 88(%%rax)\n\t"                                  \
      "movq %%rbp, 96(%%rax)\n\t"                                  \
      "movq %%rbx, 104(%%rax)\n\t"                                 \
      "leaq %l[" #landing "](%%rip), %%rdx\n\t"                    \
      "movq %%rdx, 112(%%rax)\n\t"                                 \
      "movq %%rax, %%fs:(%%rcx)"                                   \
      :                                                            \
      : "a"(point)                                                 \
      : NOSIGBUS_GUARD_CLOBBERS                                    \
      : landing)

/* What the calling convention promises, and the code that was left had not kept yet. The return addresses of the
 * calls that were left come off the shadow stack, at most 255 at a time. */
#define NOSIGBUS_GUARD_LANDED(point)                               \
  __asm__ __volatile__(                                            \
      "cld\n\t"                                                    \
      "emms\n\t"                                                   \
      "xorl %%ecx, %%ecx\n\t"                                      \
      "rdsspq %%rcx\n\t"                                           \
      "testq %%rcx, %%rcx\n\t"                                     \
      "jz 2f\n\t"                                                  \
      "movq 72(%%rax), %%rdx\n\t"                                  \
      "subq %%rcx, %%rdx\n\t"                                      \
      "shrq $3, %%rdx\n"                                           \
      "1:\n\t"                                                     \
      "movl $255, %%ecx\n\t"                                       \
      "cmpq %%rcx, %%rdx\n\t"                                      \
      "cmovbq %%rdx, %%rcx\n\t"                                    \
      "incsspq %%rcx\n\t"                                          \
      "subq %%rcx, %%rdx\n\t"                                      \
      "jnz 1b\n"                                                   \
      "2:"                                                         \
      :                                                            \
      : "a"(point)                                                 \
      : NOSIGBUS_GUARD_CLOBBERS)

/* Not a store to a variable: compilers keep the address of a thread-local over calls, and a fiber may have gone on
 * on another thread. */
#define NOSIGBUS_GUARD_LEAVE(point)                                \
  __asm__ __volatile__(                                            \
      "movq nosigbus_guard_innermost@gottpoff(%%rip), %%rcx\n\t"   \
      "movq %0, %%rdx\n\t"                                         \
      "movq %%rdx, %%fs:(%%rcx)"                                   \
      :                                                            \
      : "m"((point)->outer)                                        \
      : "rcx", "rdx", "memory")

/* clang-format on */

#endif
