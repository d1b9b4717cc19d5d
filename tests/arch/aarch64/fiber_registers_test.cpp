// SPDX-License-Identifier: MIT
//
// A fiber goes on with every register as it was.
#include "support/no_tsan.h"
#include "support/register_rounds.h"

using namespace test;

namespace {

// As the routine below knows it.
struct registers {
  uint64_t general[31];  // 18 belongs to the platform; 17 has the address, and then what is there
  uint64_t flags;        // N, Z, C, V
  uint64_t vectors[32][2];
};
static_assert(offsetof(registers, vectors) == 256);

}  // namespace

extern "C" void nosigbus_test_load_registers(const uint64_t* bad, const registers* in, registers* out);

asm(R"(
  .text
  .globl nosigbus_test_load_registers
  .type nosigbus_test_load_registers, %function
nosigbus_test_load_registers:
  .cfi_startproc
  hint #34
  sub sp, sp, #192
  stp x29, x30, [sp]
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  str x2, [sp, #160]
  mov x17, x0
  mov x30, x1
  add x0, x30, #256
  .irp number, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
  ldr q\number, [x0, #16*\number]
  .endr
  .irp number, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
  ldr q\number, [x0, #16*\number]
  .endr
  ldr x0, [x30, #248]
  msr nzcv, x0
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
  ldr x\number, [x30, #8*\number]
  .endr
  ldr x30, [x30, #240]
  ldr x17, [x17]
  str x0, [sp, #168]
  ldr x0, [sp, #160]
  .irp number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
  str x\number, [x0, #8*\number]
  .endr
  ldr x1, [sp, #168]
  str x1, [x0]
  mrs x1, nzcv
  str x1, [x0, #248]
  add x0, x0, #256
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  str q\number, [x0, #16*\number]
  .endr
  ldp d14, d15, [sp, #144]
  ldp d12, d13, [sp, #128]
  ldp d10, d11, [sp, #112]
  ldp d8, d9, [sp, #96]
  ldp x27, x28, [sp, #80]
  ldp x25, x26, [sp, #64]
  ldp x23, x24, [sp, #48]
  ldp x21, x22, [sp, #32]
  ldp x19, x20, [sp, #16]
  ldp x29, x30, [sp]
  add sp, sp, #192
  ret
  .cfi_endproc
)");

TEST_CASE(
    "every register is as it was, on another thread, under signals" NO_TSAN("does not know of the stacks")) {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              const auto load = [](const uint64_t* bad, registers* in, registers* out) {
                in->flags &= uint64_t{0xf} << 28;
                *out = *in;
                nosigbus_test_load_registers(bad, in, out);
              };
              register_rounds<registers>(
                  load,
                  [](const registers& in, uint64_t value) {
                    registers out = in;
                    out.general[17] = value;
                    return out;
                  },
                  100000 / sampling());
              return 0;
            },
            100) == exited(0));
}
