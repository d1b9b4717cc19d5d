// SPDX-License-Identifier: MIT
//
// x86_64: loads of one integer into one register, and what executing them would have done. Pure.
//
// Encodings: Intel SDM vol. 2, 2.1 "Instruction format", and MOV, MOVZX, MOVSX, MOVSXD in chapter 4.
#pragma once

#include <stdint.h>

namespace nosigbus::arch {

struct load {
  unsigned length;  // of the instruction, in bytes; 0: it is no such load
  unsigned size;    // of what is loaded, in bytes
  bool sign;        // extended with its sign, else with zeros
  unsigned width;   // of what is written, in bytes; 1 and 2 leave the rest of the register alone
  unsigned number;  // of the register, as encodings number them
  bool high;        // bits 8 to 15 of it
};

namespace decoder {

// Of the prefixes, those that change what is decoded here.
struct prefixes {
  unsigned length = 0;
  bool operand_size = false, address_size = false;
  unsigned char rex = 0;
  bool wide() const { return (rex & 8) != 0; }
};

// An instruction has at most 15 bytes; none behind its end is looked at, as they may be on a missing page.
constexpr unsigned longest = 15;

constexpr prefixes decode_prefixes(const unsigned char* at) {
  prefixes found;
  for (; found.length < longest; ++found.length) {
    const unsigned char byte = at[found.length];
    switch (byte) {
      case 0x66:
        found.operand_size = true;
        break;
      case 0x67:
        found.address_size = true;
        break;
      case 0x26:  // segments
      case 0x2e:
      case 0x36:
      case 0x3e:
      case 0x64:
      case 0x65:
        break;
      default:
        // REX counts right in front of the opcode only.
        if ((byte & 0xf0) != 0x40) return found;
        found.rex = byte;
        continue;
    }
    found.rex = 0;
  }
  return found;
}

// Bytes of ModRM, SIB and displacement; 0: the operand is a register.
constexpr unsigned operand_length(const unsigned char* modrm) {
  const unsigned mod = *modrm >> 6, rm = *modrm & 7;
  if (mod == 3) return 0;
  const bool sib = rm == 4;
  const unsigned displacement = mod == 1 ? 1 : mod == 2 || (sib ? modrm[1] & 7u : rm) == 5 ? 4 : 0;
  return 1 + (sib ? 1 : 0) + displacement;
}

struct kind {
  unsigned size;  // 0: no load; 8: as wide as the operand
  bool sign, extends;
};
constexpr kind one_byte(unsigned char opcode, const prefixes& before) {
  if (opcode == 0x8a || opcode == 0xa0) return {1, false, false};
  if (opcode == 0x8b || opcode == 0xa1) return {8, false, false};
  if (opcode == 0x63 && !before.operand_size) return {4, true, true};
  return {};
}
constexpr kind two_bytes(unsigned char opcode) {
  if (opcode < 0xb6 || (opcode > 0xb7 && opcode < 0xbe) || opcode > 0xbf) return {};
  return {(opcode & 1) != 0 ? 2u : 1u, opcode >= 0xbe, true};
}

}  // namespace decoder

// at: an instruction that has just been executed, so that all of it is there.
constexpr load decode_load(const unsigned char* at) {
  const decoder::prefixes before = decoder::decode_prefixes(at);
  unsigned length = before.length;
  if (length + 2 > decoder::longest) return {};
  const bool two = at[length] == 0x0f;
  if (two) ++length;
  const unsigned char opcode = at[length++];
  const decoder::kind found = two ? decoder::two_bytes(opcode) : decoder::one_byte(opcode, before);
  if (found.size == 0) return {};

  const unsigned operand = before.wide() ? 8 : before.operand_size ? 2 : 4;
  load result{};
  result.size = found.size == 8 ? operand : found.size;
  result.sign = found.sign;
  result.width = found.size == 1 && !found.extends ? 1 : operand;
  if (!two && (opcode & 0xfe) == 0xa0) {  // rax, from an absolute address
    length += before.address_size ? 4 : 8;
  } else {
    const unsigned more = decoder::operand_length(at + length);
    if (more == 0) return {};
    result.number = (at[length] >> 3 & 7u) | (before.rex & 4u) << 1;
    result.high = result.width == 1 && before.rex == 0 && result.number >= 4;
    if (result.high) result.number -= 4;
    length += more;
  }
  if (length > decoder::longest) return {};
  result.length = length;
  return result;
}

// What the register has after the load. before: what it has in front of it.
constexpr uint64_t loaded(const load& what, uint64_t before, uint64_t value) {
  const unsigned unused = 64 - 8 * what.size;
  value = what.sign ? static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused)
                    : value << unused >> unused;
  if (what.width == 8) return value;
  if (what.width == 4) return value & 0xffff'ffff;
  const unsigned shift = what.high ? 8 : 0;
  const uint64_t mask = (what.width == 1 ? uint64_t{0xff} : uint64_t{0xffff}) << shift;
  return (before & ~mask) | (value << shift & mask);
}

}  // namespace nosigbus::arch
