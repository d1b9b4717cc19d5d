// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Where the unwind information of an instruction is.
//
// The loader is asked by _dl_find_object, which takes no lock, needs no memory and may be called in a signal
// handler (glibc 2.35). What it finds is read as the stack is: a module can be unloaded by another thread,
// where a stack was overwritten, and its file can be cut off.
#pragma once

#include <src/backtrace/inside/cfi_reader.h>

namespace nosigbus::backtrace {

// A function's unwind information (FDE), and what it shares with others (CIE).
struct cfi_entry {
  uintptr_t begin, end;  // its code
  cfi_reader initial, instructions;
  uint64_t code_factor;
  int64_t data_factor;
  uint64_t return_column;
  bool signal_frame;  // a signal handler returns to it
};

// False: nothing is known about this instruction. The entry is read from the memory.
bool find_cfi(code_memory& memory, uintptr_t pc, cfi_entry& out);

}  // namespace nosigbus::backtrace
