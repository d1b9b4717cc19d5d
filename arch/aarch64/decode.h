// SPDX-License-Identifier: MIT
//
// aarch64: what an instruction does to memory. Runs inside the signal; pure.
//
// For faults that come without a syndrome (user-mode emulators), and for those of atomics, of which the
// syndrome may say that they read. Encodings: Arm ARM (DDI 0487), C4.1 "A64 instruction set encoding".
#pragma once

#include <nosigbus/fault.h>
#include <stdint.h>

namespace nosigbus::arch {

namespace decoder {

constexpr nosigbus_access unless_store(bool store) { return store ? NOSIGBUS_WRITE : NOSIGBUS_READ; }

constexpr uint32_t field(uint32_t instruction, unsigned low, unsigned width) {
  return instruction >> low & ((1u << width) - 1);
}

// Exclusives, load-acquire/store-release, compare and swap.
constexpr nosigbus_access exclusive_or_ordered(uint32_t i) {
  const bool o2 = field(i, 23, 1) != 0, load = field(i, 22, 1) != 0, o1 = field(i, 21, 1) != 0;
  if (o1 && (o2 || field(i, 31, 1) == 0)) return NOSIGBUS_WRITE;  // CAS, CASP
  return unless_store(!load);
}

// What bits 22 and 23 mean in all forms of LDR, STR and PRFM but the literal one.
constexpr nosigbus_access by_opc(uint32_t i) {
  const uint32_t size = field(i, 30, 2), opc = field(i, 22, 2);
  if (field(i, 26, 1) != 0) return unless_store((opc & 1) == 0);  // SIMD and floating point
  if (size == 3 && opc == 2) return NOSIGBUS_ACCESS_UNKNOWN;      // prefetch: never faults
  return unless_store(opc == 0);
}

// LDADD and its like, SWP, ST64B write; of this group LDAPR and LD64B only read.
constexpr nosigbus_access atomic(uint32_t i) {
  const uint32_t o3_opc = field(i, 12, 4);
  return unless_store(field(i, 26, 1) != 0 || (o3_opc != 0b1100 && o3_opc != 0b1101));
}

constexpr nosigbus_access one_register(uint32_t i) {
  if (field(i, 24, 1) != 0 || field(i, 21, 1) == 0)
    return by_opc(i);  // unsigned, unscaled, pre-, post-indexed
  switch (field(i, 10, 2)) {
    case 0:
      return atomic(i);
    case 2:
      return by_opc(i);  // register offset
    default:
      return field(i, 26, 1) == 0 ? NOSIGBUS_READ : NOSIGBUS_ACCESS_UNKNOWN;  // LDRAA, LDRAB
  }
}

// The instructions in the holes of the literal loads: LDAPUR/STLUR, 128-bit atomics, tags, copy and set.
constexpr nosigbus_access newer(uint32_t i) {
  const uint32_t opc = field(i, 22, 2), op2 = field(i, 10, 2);
  if ((i & 0xff20'0000) == 0xd920'0000) {                                      // tags of memory tagging
    return unless_store(!((opc == 1 && op2 == 0) || (opc == 3 && op2 == 0)));  // LDG, LDGM
  }
  if (op2 == 1 && field(i, 21, 1) == 0 && field(i, 30, 2) == 0) {
    return opc == 3 ? NOSIGBUS_WRITE : NOSIGBUS_ACCESS_UNKNOWN;  // SET*; CPY* does both
  }
  if (field(i, 21, 1) != 0) return op2 == 0 ? NOSIGBUS_WRITE : NOSIGBUS_ACCESS_UNKNOWN;  // LDCLRP, SWPP
  return by_opc(i);                                                                      // LDAPUR, STLUR
}

// PRFM has the encoding of a fourth size; all the rest are loads.
constexpr nosigbus_access literal(uint32_t i) {
  return field(i, 26, 1) == 0 && field(i, 30, 2) == 3 ? NOSIGBUS_ACCESS_UNKNOWN : NOSIGBUS_READ;
}

constexpr nosigbus_access load_or_store(uint32_t i) {
  if ((i & 0x3f00'0000) == 0x0800'0000) return exclusive_or_ordered(i);
  if ((i & 0xbe00'0000) == 0x0c00'0000) return unless_store(field(i, 22, 1) == 0);  // LD1...LD4, ST1...ST4
  if ((i & 0x3b00'0000) == 0x1800'0000) return literal(i);
  if ((i & 0x3b00'0000) == 0x1900'0000) return newer(i);
  if ((i & 0x3a00'0000) == 0x2800'0000) return unless_store(field(i, 22, 1) == 0);  // LDP, STP, LDNP, STNP
  if ((i & 0x3a00'0000) == 0x3800'0000) return one_register(i);
  return NOSIGBUS_ACCESS_UNKNOWN;
}

}  // namespace decoder

// NOSIGBUS_ACCESS_UNKNOWN for what accesses no memory, or both reads one place and writes another.
// Atomics and whatever else reads and writes one place: NOSIGBUS_WRITE.
constexpr nosigbus_access decode_access(uint32_t instruction) {
  if ((instruction & 0x0a00'0000) == 0x0800'0000) return decoder::load_or_store(instruction);
  if ((instruction & 0xffff'f000) == 0xd50b'7000) {
    // Cache maintenance by address: DC ZVA (and its relatives that set tags) writes, the others read.
    return decoder::unless_store(decoder::field(instruction, 8, 4) == 4);
  }
  switch (instruction >> 25) {  // SVE: 32-bit gather, contiguous load, 64-bit gather; stores
    case 0x42:
    case 0x52:
    case 0x62:
      return NOSIGBUS_READ;
    case 0x72:
      return NOSIGBUS_WRITE;
    default:
      return NOSIGBUS_ACCESS_UNKNOWN;
  }
}

}  // namespace nosigbus::arch
