// SPDX-License-Identifier: MIT
//
// aarch64: registers as unwind information numbers them (DWARF for the Arm 64-bit Architecture, 4.1). Runs
// inside the signal.
#pragma once

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

namespace nosigbus::arch {

// x0 to x30, sp. The return address is in x30, and stays there in functions that call none.
inline constexpr unsigned unwind_columns = 32, unwind_sp = 31;
inline constexpr bool return_address_in_register = true;

// Fills the columns, returns the interrupted instruction.
inline uintptr_t unwind_begin(const void* ucontext, uintptr_t (&registers)[unwind_columns]) {
  const mcontext_t& context = static_cast<const ucontext_t*>(ucontext)->uc_mcontext;
  for (unsigned i = 0; i < 31; ++i) registers[i] = context.regs[i];
  registers[unwind_sp] = context.sp;
  return context.pc;
}

// A return address as it was saved, without what only protects it: xpaclri, which does nothing where
// addresses are not signed.
inline uintptr_t plain_return_address(uintptr_t saved) {
  register uintptr_t x30 asm("x30") = saved;
  asm("hint #7" : "+r"(x30));
  return x30;
}

}  // namespace nosigbus::arch
