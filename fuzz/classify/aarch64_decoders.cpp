// SPDX-License-Identifier: MIT
#include <nosigbus/fault.h>
#include <stdint.h>

#include "classify/decoders.h"
#include "support/check.h"
#include "support/features.h"

// Beside those of the machine that this is compiled for, which have the same names.
namespace fuzz::aarch64 {
#include "../arch/aarch64/decode.h"
#include "../arch/aarch64/load.h"
}  // namespace fuzz::aarch64

namespace fuzz {

namespace {

// Loads and stores as C4.1.94 of the Arm ARM (DDI 0487) groups them: a skeleton, and the bits that are free.
constexpr struct {
  uint32_t fixed, free;
} groups[] = {
    {0x0800'0000, 0xf7ff'ffff & ~0x3000'0000u},
    {0x0c00'0000, 0x41ff'ffff},
    {0x1800'0000, 0xc4ff'ffff},
    {0x1900'0000, 0xc0ff'ffff},
    {0x2800'0000, 0xc5ff'ffff},
    {0x3800'0000, 0xc4ff'ffff},
    {0x3900'0000, 0xc4ff'ffff},
    {0xd500'0000, 0x00ff'ffff},
    {0x8400'0000, 0x7fff'ffff},
    {0x0000'0000, 0xffff'ffff},
};

}  // namespace

void try_aarch64_instruction(input& from) {
  namespace arch = aarch64::nosigbus::arch;
  const auto& group = from.pick(groups);
  const uint32_t instruction = group.fixed | (static_cast<uint32_t>(from.number(4)) & group.free);
  const nosigbus_access access = arch::decode_access(instruction);
  FUZZ_CHECK(access == NOSIGBUS_ACCESS_UNKNOWN || access == NOSIGBUS_READ || access == NOSIGBUS_WRITE);
  const arch::load what = arch::decode_load(instruction);
  reached(20, access, what.size, what.sign, what.width, instruction >> 24 & 0x3f);
  if (what.size == 0) return;
  // Both decoders know the instruction, one better than the other.
  FUZZ_CHECK_EQUAL(access, NOSIGBUS_READ);
  FUZZ_CHECK(what.size == 1 || what.size == 2 || what.size == 4 || what.size == 8);
  FUZZ_CHECK(what.width == 4 || what.width == 8);
  FUZZ_CHECK(what.size <= what.width && what.number < 32 && what.base < 32);
  FUZZ_CHECK(what.write_back >= -256 && what.write_back < 256);
  // What is loaded is a number of that many bytes, extended.
  const uint64_t value = from.number(8);
  uint64_t wanted = 0;
  for (unsigned i = 0; i < what.size; ++i) wanted |= (value >> (8 * i) & 0xff) << (8 * i);
  const bool negative = what.sign && (wanted >> (8 * what.size - 1) & 1) != 0;
  for (unsigned i = what.size; i < what.width; ++i) wanted |= uint64_t{negative ? 0xffu : 0u} << (8 * i);
  FUZZ_CHECK_EQUAL(arch::loaded(what, value), wanted);
}

}  // namespace fuzz
