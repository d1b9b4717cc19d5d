// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// The program's own handler, called for a fault that we would absorb. It may do what it is for: take the
// client off its list, put its own pages there, leave by longjmp. Where it gives up, it is not to take the
// process with it: re-raising the signal and putting an action back are noted and not carried out
// (docs/drop-in.md).
#pragma once

#include <nosigbus/fault.h>
#include <signal.h>
#include <src/preload/journal.h>

namespace nosigbus::preload {

// On the stack of the handler that supervises. Of a handler left by an exception, or by a longjmp of which we
// did not hear, it stays behind; whoever looks at it finds out by the stack, see under_supervision.
struct supervision {
  const nosigbus_fault* fault;
  journal_record* record;  // of its mapping
  supervision* outer;
  bool served;              // with our zeros, when it asked for zeros of its own
  uintptr_t stack;          // the alternate stack that it is on, 0 for the thread's own
  const supervision* self;  // itself, as long as nobody else uses its memory
};

// This thread's, null without.
extern constinit thread_local supervision* t_supervision;

// The supervision that the calling code runs under, null if none.
supervision* under_supervision();

// The program's handler is about to be left by longjmp: nobody else comes to note that it was called.
void end_supervision();

// Whether the program has a handler for SIGBUS.
bool program_has_handler();

// Calls it. Returns whether the interrupted code can go on: at the same instruction because its page can be
// accessed, or where the handler said. granule: of the page.
bool supervise(const nosigbus_fault& fault, journal_record* record, size_t granule, int signo,
               siginfo_t* info, void* ucontext, bool* served);

}  // namespace nosigbus::preload
