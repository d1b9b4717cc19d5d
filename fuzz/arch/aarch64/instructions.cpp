// SPDX-License-Identifier: MIT
#include <context.h>

#include <cstring>

#include "classify/decoders.h"
#include "support/check.h"
#include "support/features.h"

namespace fuzz {

// Completes a load: the target and the base that it writes back to change, and nothing else does.
void try_instruction(input& from) {
  ucontext_t context;
  memset(&context, 0, sizeof context);
  mcontext_t& machine = context.uc_mcontext;
  for (auto& each : machine.regs) each = from.number(8);
  machine.sp = from.number(8);
  const uint32_t instruction = static_cast<uint32_t>(from.number(4));
  nosigbus::arch::machine_state state(&context);
  state.set_pc(reinterpret_cast<uintptr_t>(&instruction));
  const mcontext_t before = machine;
  const nosigbus::arch::load what = nosigbus::arch::decode_load(instruction);
  const bool done = state.complete_load(from.number(8));
  reached(21, done, what.size, what.write_back != 0);
  FUZZ_CHECK_EQUAL(done, what.size != 0);
  FUZZ_CHECK_EQUAL(machine.pc - before.pc, done ? 4u : 0u);
  for (unsigned i = 0; i < 31; ++i) {
    const bool may_change = done && (i == what.number || (i == what.base && what.write_back != 0));
    if (!may_change) FUZZ_CHECK_EQUAL(machine.regs[i], before.regs[i]);
  }
  const bool stack_may_change = done && what.base == 31 && what.write_back != 0;
  if (!stack_may_change) FUZZ_CHECK_EQUAL(machine.sp, before.sp);
}

}  // namespace fuzz
