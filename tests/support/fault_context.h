// SPDX-License-Identifier: MIT
//
// Contexts as the kernel makes them for a fault. tests/arch/*/fault_context.cpp
#pragma once

#include <ucontext.h>

#include <cstdint>

namespace test {

enum class machine_event {
  read,
  write,
  fetch,   // of the instruction at pc
  no_page  // the machine does not call it a page fault, and does not tell the access
};

// A context that says this about the instruction at pc.
ucontext_t fault_context(machine_event event, uintptr_t pc);

}  // namespace test
