// SPDX-License-Identifier: MIT
//
// What complete_load makes of loads: as the processor executes them, in every form; and what is none.
#include "support/executed_load.h"

#include <doctest/doctest.h>

#include "support/no_qemu.h"

using namespace test;
using nosigbus::arch::decode_load;

namespace {

struct machine {
  static constexpr unsigned passed = 1;
  static void trap(unsigned char* at) { memset(at, 0xcc, 16); }
  static void fill(ucontext_t& context, uint64_t value) {
    for (int i = REG_R8; i <= REG_RSP; ++i) context.uc_mcontext.gregs[i] = static_cast<greg_t>(value);
  }
  static std::vector<greg_t> registers(const ucontext_t& context) {
    return {context.uc_mcontext.gregs, context.uc_mcontext.gregs + REG_RIP + 1};
  }
};

using bytes = std::vector<unsigned char>;

bytes operator+(bytes a, const bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const bytes opcodes[] = {{0x8a}, {0x8b}, {0x63}, {0x0f, 0xb6}, {0x0f, 0xb7}, {0x0f, 0xbe}, {0x0f, 0xbf}};

// Every operand in memory: ModRM, SIB, displacement.
template <class F>
void for_operands(F f) {
  for (unsigned modrm = 0; modrm < 0xc0; ++modrm) {
    const unsigned mod = modrm >> 6, rm = modrm & 7;
    for (unsigned sib = 0; sib < (rm == 4 ? 256u : 1u); ++sib) {
      bytes operand{static_cast<unsigned char>(modrm)};
      if (rm == 4) operand.push_back(static_cast<unsigned char>(sib));
      const bool wide = mod == 2 || (mod == 0 && (rm == 4 ? sib & 7 : rm) == 5);
      if (mod == 1) operand.push_back(0xf8);
      if (wide) operand = operand + bytes{0, 0, 2, 0};  // displacement
      f(operand);
    }
  }
}

bool is_load(const bytes& instruction) {
  unsigned char padded[32] = {};
  memcpy(padded, instruction.data(), instruction.size());
  return decode_load(padded).length != 0;
}
unsigned length_of(const bytes& instruction) {
  unsigned char padded[32] = {};
  memcpy(padded, instruction.data(), instruction.size());
  return decode_load(padded).length;
}

}  // namespace

TEST_CASE("every form of a load is as the processor executes it" NO_QEMU("steps by traps")) {
  CHECK(in_child(
            [] {
              executed_loads<machine> all;
              for (const bytes& opcode : opcodes) {
                for (unsigned rex = 0x3f; rex < 0x50; ++rex) {
                  const bytes prefix = rex < 0x40 ? bytes{} : bytes{static_cast<unsigned char>(rex)};
                  for_operands([&](const bytes& operand) {
                    // With SIB: each base and index for one opcode, some for the others.
                    if ((operand[0] & 7) == 4 && opcode[0] != 0x8b && operand[1] % 37 != 0) return;
                    all.add(prefix + opcode + operand);
                    if (opcode[0] != 0x63) all.add(bytes{0x66} + prefix + opcode + operand);
                  });
                }
              }
              CHILD_CHECK(all.run() > 100000);
              return 0;
            },
            100) == exited(0));
}

TEST_CASE("prefixes, and absolute addresses" NO_QEMU("steps by traps")) {
  CHECK(in_child([] {
          executed_loads<machine> all;
          // A REX that is not the last prefix is none.
          for (const bytes& prefix : {bytes{0x26}, bytes{0x2e}, bytes{0x36}, bytes{0x3e}, bytes{0x48, 0x66},
                                      bytes{0x66, 0x48}, bytes{0x41, 0x3e}, bytes{0x66, 0x66, 0x3e}}) {
            all.add(prefix + bytes{0x8b, 0x18});
            all.add(prefix + bytes{0x0f, 0xb6, 0x58, 0x10});
          }
          all.add({0x67, 0x8b, 0x98, 0, 0, 2, 0});
          all.add({0x67, 0x8b, 0x1c, 0x25, 0, 0, 2, 0});
          for (const bytes& prefix : {bytes{}, bytes{0x66}, bytes{0x48}}) {
            all.add(prefix + bytes{0xa1, 0, 0, 0, 0, 0x10, 0, 0, 0});
            all.add(prefix + bytes{0xa0, 0, 0, 0, 0, 0x10, 0, 0, 0});
            all.add(prefix + bytes{0x67, 0xa1, 0, 0, 2, 0});
          }
          all.run();
          return 0;
        }) == exited(0));
  CHECK(length_of({0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0}) == 9);
  CHECK(length_of({0x65, 0x8b, 0x00}) == 3);
}

TEST_CASE("what is no load of one integer is left alone") {
  for (const bytes& opcode : opcodes) {
    for (unsigned modrm = 0xc0; modrm < 0x100; ++modrm) {
      CHECK(!is_load(opcode + bytes{static_cast<unsigned char>(modrm)}));
    }
  }
  const bytes others[] = {
      {0x88, 0x00},                    // mov %al,(%rax)
      {0x89, 0x00},                    // mov %eax,(%rax)
      {0xc6, 0x00, 0x01},              // movb $1,(%rax)
      {0x03, 0x00},                    // add (%rax),%eax
      {0x87, 0x00},                    // xchg %eax,(%rax)
      {0x3b, 0x00},                    // cmp (%rax),%eax
      {0xff, 0x10},                    // call *(%rax)
      {0xff, 0x30},                    // push (%rax)
      {0x8f, 0x00},                    // pop (%rax)
      {0xa4},                          // movsb
      {0xac},                          // lodsb
      {0xf3, 0xa4},                    // rep movsb
      {0xa2, 0, 0, 0, 0, 0, 0, 0, 0},  // mov %al,0
      {0x0f, 0x10, 0x00},              // movups (%rax),%xmm0
      {0x0f, 0x6f, 0x00},              // movq (%rax),%mm0
      {0xf3, 0x0f, 0x6f, 0x00},        // movdqu (%rax),%xmm0
      {0xf2, 0x0f, 0x10, 0x00},        // movsd (%rax),%xmm0
      {0xf3, 0x0f, 0xb8, 0x00},        // popcnt (%rax),%eax
      {0x0f, 0xb8, 0x00},              // none
      {0x0f, 0xbc, 0x00},              // bsf (%rax),%eax
      {0x0f, 0xc1, 0x00},              // xadd %eax,(%rax)
      {0xf0, 0x0f, 0xb1, 0x00},        // lock cmpxchg
      {0x0f, 0x38, 0xf0, 0x00},        // movbe (%rax),%eax
      {0x66, 0x63, 0x00},              // movslq, of 16 bits: differs between processors
      {0xc5, 0xfa, 0x6f, 0x00},        // vmovdqu (%rax),%xmm0
      {0x62, 0xf1, 0x7f, 0x08, 0x6f, 0x00},
      {0xf3, 0x8b, 0x00},  // a repeated one
      bytes(15, 0x66) + bytes{0x8b, 0x00},
  };
  for (const bytes& other : others) CHECK(!is_load(other));
}
