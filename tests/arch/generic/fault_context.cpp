// SPDX-License-Identifier: MIT
#include "support/fault_context.h"

#include <cstring>

namespace test {

const bool contexts_tell = false, handlers_return = false;

// Nothing that this port would look at.
ucontext_t fault_context(machine_event, uintptr_t) {
  ucontext_t context;
  memset(&context, 0, sizeof context);
  return context;
}

}  // namespace test
