// SPDX-License-Identifier: MIT
#include "support/fault_context.h"

#include <cstring>

namespace test {

const bool contexts_tell = true, handlers_return = true;

ucontext_t fault_context(machine_event event, uintptr_t pc) {
  constexpr greg_t page_fault = 14, machine_check = 18;
  constexpr greg_t user = 4, write = 2, fetch = 16;
  ucontext_t context;
  memset(&context, 0, sizeof context);
  gregset_t& registers = context.uc_mcontext.gregs;
  registers[REG_RIP] = static_cast<greg_t>(pc);
  registers[REG_TRAPNO] = event == machine_event::no_page ? machine_check : page_fault;
  registers[REG_ERR] = event == machine_event::no_page ? 0
                       : event == machine_event::write ? user | write
                       : event == machine_event::fetch ? user | fetch
                                                       : user;
  return context;
}

}  // namespace test
