// SPDX-License-Identifier: MIT
//
// A fiber goes on with every register as it was.
#include "support/no_tsan.h"
#include "support/register_rounds.h"

using namespace test;

namespace {

// As the routine below knows it.
struct registers {
  uint64_t general[16];  // 7, the stack pointer, is not touched; 15 has the address, and then what is there
  uint64_t flags;        // of which carry, parity, adjust, zero, sign, direction and overflow
  uint64_t mask_registers[8];
  uint64_t unused[7];
  uint64_t vectors[16][4];
};
static_assert(offsetof(registers, vectors) == 256);

constexpr uint64_t flags_used = 0xcd5;

}  // namespace

extern "C" void nosigbus_test_load_registers(const uint64_t* bad, const registers* in, registers* out);
extern "C" void nosigbus_test_load_registers_avx512(const uint64_t* bad, const registers* in, registers* out);

asm(R"(
  .macro load_registers name, avx512
  .text
  .globl \name
  .type \name, @function
\name:
  .cfi_startproc
  endbr64
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  push %rdx
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  vmovdqu 256+32*\number(%rsi), %ymm\number
  .endr
  .if \avx512
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7
  kmovq 136+8*\number(%rsi), %k\number
  .endr
  .endif
  push 128(%rsi)
  mov %rdi, %r15
  mov 0(%rsi), %rax
  mov 8(%rsi), %rbx
  mov 16(%rsi), %rcx
  mov 24(%rsi), %rdx
  mov 40(%rsi), %rdi
  mov 48(%rsi), %rbp
  mov 64(%rsi), %r8
  mov 72(%rsi), %r9
  mov 80(%rsi), %r10
  mov 88(%rsi), %r11
  mov 96(%rsi), %r12
  mov 104(%rsi), %r13
  mov 112(%rsi), %r14
  mov 32(%rsi), %rsi
  popfq
  mov (%r15), %r15
  pushfq
  xchg %rax, 8(%rsp)
  mov %rbx, 8(%rax)
  mov %rcx, 16(%rax)
  mov %rdx, 24(%rax)
  mov %rsi, 32(%rax)
  mov %rdi, 40(%rax)
  mov %rbp, 48(%rax)
  mov %r8, 64(%rax)
  mov %r9, 72(%rax)
  mov %r10, 80(%rax)
  mov %r11, 88(%rax)
  mov %r12, 96(%rax)
  mov %r13, 104(%rax)
  mov %r14, 112(%rax)
  mov %r15, 120(%rax)
  pop %rcx
  cld
  mov %rcx, 128(%rax)
  pop %rcx
  mov %rcx, 0(%rax)
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  vmovdqu %ymm\number, 256+32*\number(%rax)
  .endr
  .if \avx512
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7
  kmovq %k\number, 136+8*\number(%rax)
  .endr
  .endif
  vzeroupper
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret
  .cfi_endproc
  .endm
  load_registers nosigbus_test_load_registers, 0
  load_registers nosigbus_test_load_registers_avx512, 1
)");

TEST_CASE(
    "every register is as it was, on another thread, under signals" NO_TSAN("does not know of the stacks")) {
  if (!__builtin_cpu_supports("avx2")) return;
  const bool avx512 = __builtin_cpu_supports("avx512bw");
  CHECK(in_child(
            [avx512] {
              enter_by(entry::installed);
              const auto load = [avx512](const uint64_t* bad, registers* in, registers* out) {
                // Popped as it is: nothing but these, and interrupts stay on.
                in->flags = (in->flags & flags_used) | 0x202;
                *out = *in;
                (avx512 ? nosigbus_test_load_registers_avx512 : nosigbus_test_load_registers)(bad, in, out);
              };
              register_rounds<registers>(
                  load,
                  [](const registers& in, uint64_t value) {
                    registers out = in;
                    out.general[15] = value;
                    return out;
                  },
                  100000 / sampling());
              return 0;
            },
            100) == exited(0));
}
