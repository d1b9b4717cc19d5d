// SPDX-License-Identifier: MIT
//
// Contexts as the kernel makes them for a fault. tests/arch/*/fault_context.cpp
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstdint>

namespace test {

enum class machine_event {
  read,
  write,
  fetch,   // of the instruction at pc
  no_page  // the machine does not call it a page fault, and does not tell the access
};

// Whether the port learns from a context which instruction it was, and what it did. Where it does not,
// guarded operations know; other accesses do not.
extern const bool contexts_tell;

// What kills plain code that writes to a missing page of a region, or jumps there, without being allowed to.
inline int misuse_signal() { return contexts_tell ? SIGBUS : SIGSEGV; }

// Whether the handler returns from a guarded operation's fault, or leaves by longjmp.
extern const bool handlers_return;

// A context that says this about the instruction at pc.
ucontext_t fault_context(machine_event event, uintptr_t pc);

}  // namespace test
