// SPDX-License-Identifier: MIT
//
// What complete_load makes of loads: as the processor executes them, in every form; and what is none.
#include "support/executed_load.h"

#include <doctest/doctest.h>

using namespace test;
using nosigbus::arch::decode_load;

namespace {

struct machine {
  static constexpr unsigned passed = 0;
  static void trap(unsigned char* at) {
    constexpr uint32_t brk = 0xd420'0000;
    memcpy(at, &brk, sizeof brk);
  }
  static void fill(ucontext_t& context, uint64_t value) {
    for (auto& one : context.uc_mcontext.regs) one = value;
    context.uc_mcontext.sp = value;
  }
  static std::vector<uint64_t> registers(const ucontext_t& context) {
    std::vector<uint64_t> all(context.uc_mcontext.regs, context.uc_mcontext.regs + 31);
    all.push_back(context.uc_mcontext.sp);
    all.push_back(context.uc_mcontext.pc);
    return all;
  }
};

std::vector<unsigned char> bytes_of(uint32_t instruction) {
  std::vector<unsigned char> out(sizeof instruction);
  memcpy(out.data(), &instruction, sizeof instruction);
  return out;
}

// Of a load: size and opc, as most forms have them.
struct access {
  unsigned size, opc;
};
constexpr access accesses[] = {{0, 1}, {1, 1}, {2, 1}, {3, 1}, {0, 2}, {1, 2}, {2, 2}, {0, 3}, {1, 3}};

// f(instruction) for every register as target, and some as base; base 31 is the stack pointer.
template <class F>
void for_registers(uint32_t form, F f) {
  for (const access& one : accesses) {
    for (uint32_t target = 0; target < 32; ++target) {
      for (const uint32_t base : {0u, 1u, 18u, 30u, 31u}) {
        f(form | one.size << 30 | one.opc << 22 | base << 5 | target, target == base);
      }
    }
  }
}

constexpr uint32_t imm9(int offset) { return (static_cast<uint32_t>(offset) & 0x1ff) << 12; }

}  // namespace

TEST_CASE("every form of a load is as the processor executes it") {
  CHECK(in_child(
            [] {
              executed_loads<machine> all;
              const auto add = [&](uint32_t instruction, bool) { all.add(bytes_of(instruction)); };
              const auto add_unless_same = [&](uint32_t instruction, bool same) {
                if (!same || (instruction & 31) == 31) all.add(bytes_of(instruction));
              };
              for_registers(0x3900'0000, add);  // unsigned offset
              for_registers(0x3900'0000 | 5 << 10, add);
              for_registers(0x3800'0000 | imm9(-7), add);  // unscaled
              for_registers(0x3800'0800 | imm9(9), add);   // unprivileged
              for (const int offset : {-256, -16, 0, 16, 240}) {
                for_registers(0x3800'0400 | imm9(offset), add_unless_same);  // post-indexed
                for_registers(0x3800'0c00 | imm9(offset), add_unless_same);  // pre-indexed
              }
              for (const uint32_t option : {2u, 3u, 6u, 7u}) {  // register offset
                for (const uint32_t scaled : {0u, 1u}) {
                  for_registers(0x3820'0800 | 2 << 16 | option << 13 | scaled << 12, add);
                }
              }
              for (uint32_t size = 0; size < 4; ++size) {  // ldar
                for (uint32_t target = 0; target < 32; ++target)
                  all.add(bytes_of(0x08df'fc00 | size << 30 | target));
              }
              for (uint32_t opc = 0; opc < 3; ++opc) {  // literal
                for (uint32_t target = 0; target < 32; ++target)
                  all.add(bytes_of(0x1800'0000 | opc << 30 | 64 << 5 | target));
              }
              CHILD_CHECK(all.run() > 10000);
              return 0;
            },
            60) == exited(0));
}

TEST_CASE("what later processors have besides") {
  // ldapr w3, [x1]; ldapurb w3, [x1, #-1]; ldapursw x3, [x1, #-1]
  for (const uint32_t one : {0xb8bf'c023u, 0x195f'f023u, 0x999f'f023u}) CHECK(decode_load(one).number == 3);
  CHECK(decode_load(0xb8bf'c023).size == 4);
  CHECK(decode_load(0x195f'f023).size == 1);
  CHECK(decode_load(0x999f'f023).sign);
  CHECK(decode_load(0x999f'f023).width == 8);
}

TEST_CASE("what is no load of one integer is left alone") {
  const uint32_t others[] = {
      0x3900'0020,             // strb w0, [x1]
      0xf900'0020,             // str x0, [x1]
      0xf800'8420,             // str x0, [x1], #8
      0xf820'6820,             // str x0, [x1, x0]
      0xf980'0020,             // prfm pldl1keep, [x1]
      0xf881'0020,             // prfum pldl1keep, [x1, #16]
      0xd800'0000,             // prfm pldl1keep, .
      0xf8a0'6820,             // prfm pldl1keep, [x1, x0]
      0xa940'0440,             // ldp x0, x1, [x2]
      0x6940'0440,             // ldpsw x0, x1, [x2]
      0x885f'7c20,             // ldxr w0, [x1]
      0x885f'fc20,             // ldaxr w0, [x1]
      0x889f'fc20,             // stlr w0, [x1]
      0xb820'0020,             // ldadd w0, w0, [x1]
      0xb820'8020,             // swp w0, w0, [x1]
      0x88a0'7c20,             // cas w0, w0, [x1]
      0x3d40'0020,             // ldr b0, [x1]
      0x3dc0'0020,             // ldr q0, [x1]
      0xfc40'8420,             // ldr d0, [x1], #8
      0x1c00'0000,             // ldr s0, .
      0x4c40'7820,             // ld1 {v0.4s}, [x1]
      0xf840'8421,             // ldr x1, [x1], #8
      0xf8bf'd020,             // ld64b x0, [x1]
      0xf820'0420,             // ldraa x0, [x1]
      0xb9c0'0020 | 3u << 22,  // of no size
      0x9100'0020,             // add x0, x1, #0
      0xd503'201f,             // nop
  };
  for (const uint32_t other : others) {
    CAPTURE(other);
    CHECK(decode_load(other).size == 0);
  }
}
