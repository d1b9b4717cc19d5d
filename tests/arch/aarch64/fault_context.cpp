// SPDX-License-Identifier: MIT
#include "support/fault_context.h"

#include "syndrome.h"

namespace test {

const bool contexts_tell = true, handlers_return = true;

ucontext_t fault_context(machine_event event, uintptr_t pc) {
  ucontext_t context = context_at(pc);
  add_syndrome(context, event == machine_event::read    ? esr_data_abort
                        : event == machine_event::write ? esr_data_abort | esr_wrote
                        : event == machine_event::fetch ? esr_instruction_abort
                                                        : esr_system_error);
  return context;
}

}  // namespace test
