// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// The way from the interrupted instruction to its callers.
//
// It works in memory of its own, as alternate stacks are small: a pool of work spaces, one for each thread
// that is at it. The pool is in memory that fork clears in the child, so those of other threads are free
// there.
#pragma once

#include <src/backtrace/inside/cfi_rules.h>
#include <src/backtrace/inside/stack_memory.h>

#include <atomic>

namespace nosigbus::backtrace {

struct work_space {
  stack_memory memory;
  code_memory code;
  cfi_entry entry;
  cfi_rules rules;
  uintptr_t registers[arch::unwind_columns], callers[arch::unwind_columns];
};

struct work_spaces {
  static constexpr unsigned count = 32;

  // A bit for each, set by whoever uses it. acquire when it is set, release when it is cleared: who has it
  // next writes after the last one has read.
  std::atomic<uint32_t> taken;
  work_space spaces[count];
};

// Set once (release), null until then.
extern constinit std::atomic<work_spaces*> g_work_spaces;

// As nosigbus_backtrace_collect.
size_t collect(void* ucontext, uintptr_t* chain, size_t most);

}  // namespace nosigbus::backtrace
