// SPDX-License-Identifier: MIT
//
// aarch64: loads of one integer into one register, and what executing them would have done. Pure.
//
// Encodings: Arm ARM (DDI 0487), C4.1.94 "Loads and Stores". Not among them: pairs, exclusives, atomics that
// write, and vectors.
#pragma once

#include <stdint.h>

namespace nosigbus::arch {

struct load {
  unsigned size;       // of what is loaded, in bytes; 0: it is no such load
  bool sign;           // extended with its sign, else with zeros
  unsigned width;      // of what that fills, in bytes; the rest becomes zero
  unsigned number;     // of the register; 31: none
  unsigned base;       // which is changed, too,
  int64_t write_back;  // by this
};

namespace decoder {

// opc, bits 22 and 23, as all forms but the literal one have it.
constexpr load load_by_opc(uint32_t i) {
  const unsigned log = i >> 30, opc = i >> 22 & 3;
  // Stores; 2 of 64 bits: prefetch; 3 of 32 and 64: none.
  if (opc == 0 || (opc == 2 && log == 3) || (opc == 3 && log >= 2)) return {};
  return {1u << log, opc >= 2, opc == 3 || (opc == 1 && log < 3) ? 4u : 8u, i & 31, 0, 0};
}

constexpr load literal_load(uint32_t i) {
  switch (i >> 30) {
    case 0:
      return {4, false, 4, i & 31, 0, 0};
    case 1:
      return {8, false, 8, i & 31, 0, 0};
    case 2:
      return {4, true, 8, i & 31, 0, 0};
    default:
      return {};  // prefetch
  }
}

// Unscaled; unprivileged; pre- and post-indexed, which change the base.
constexpr load load_by_small_offset(uint32_t i) {
  load result = load_by_opc(i);
  if (result.size == 0 || (i >> 10 & 1) == 0) return result;
  const int64_t offset = static_cast<int64_t>(static_cast<uint64_t>(i >> 12 & 0x1ff) << 55) >> 55;
  result.base = i >> 5 & 31;
  result.write_back = offset;
  // Which of the two the register gets is not defined.
  return result.base == result.number && result.base != 31 ? load{} : result;
}

}  // namespace decoder

constexpr load decode_load(uint32_t i) {
  if ((i & 0x3fff'fc00) == 0x08df'fc00 || (i & 0x3fff'fc00) == 0x38bf'c000) {  // LDAR, LDAPR
    return decoder::load_by_opc((i & 0xc000'001f) | 0x0040'0000);
  }
  if ((i & 0x3f20'0c00) == 0x1900'0000) return decoder::load_by_opc(i);  // LDAPUR
  if ((i & 0x3f00'0000) == 0x1800'0000) return decoder::literal_load(i);
  if ((i & 0x3f00'0000) == 0x3900'0000) return decoder::load_by_opc(i);  // unsigned offset
  if ((i & 0x3f20'0000) == 0x3800'0000) return decoder::load_by_small_offset(i);
  if ((i & 0x3f20'0c00) == 0x3820'0800 && (i & 0x4000) != 0)
    return decoder::load_by_opc(i);  // register offset
  return {};
}

constexpr uint64_t loaded(const load& what, uint64_t value) {
  const unsigned unused = 64 - 8 * what.size;
  value = what.sign ? static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused)
                    : value << unused >> unused;
  return what.width == 8 ? value : value & 0xffff'ffff;
}

}  // namespace nosigbus::arch
