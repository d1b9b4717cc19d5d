// SPDX-License-Identifier: MIT
//
// x86_64: registers as unwind information numbers them (System V ABI, figure 3.36). Runs inside the signal.
#pragma once

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

namespace nosigbus::arch {

// Those that a caller may want back. The return address is one of them, always on the stack.
inline constexpr unsigned unwind_columns = 17, unwind_sp = 7;
inline constexpr bool return_address_in_register = false;

// Fills the columns, returns the interrupted instruction.
inline uintptr_t unwind_begin(const void* ucontext, uintptr_t (&registers)[unwind_columns]) {
  static constexpr int column[unwind_columns] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                                 REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                                 REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  const mcontext_t& context = static_cast<const ucontext_t*>(ucontext)->uc_mcontext;
  for (unsigned i = 0; i < unwind_columns; ++i) {
    registers[i] = static_cast<uintptr_t>(context.gregs[column[i]]);
  }
  return static_cast<uintptr_t>(context.gregs[REG_RIP]);
}

// A return address as it was saved, without what only protects it.
inline uintptr_t plain_return_address(uintptr_t saved) { return saved; }

}  // namespace nosigbus::arch
