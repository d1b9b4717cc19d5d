// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Signals that are not ours go to the action that was in place before, as the kernel would have called
// it.
#pragma once

#include <signal.h>

namespace nosigbus {

void chain(int signo, siginfo_t* info, void* ucontext);

// As chain, where there is nobody to ask: kills as the kernel would have under the default action.
void end_by_default(int signo, const siginfo_t* info, void* ucontext);

}  // namespace nosigbus
