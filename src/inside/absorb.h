// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// The way of a fault, up to the point where it turns out not to be ours.
#pragma once

#include <signal.h>

namespace nosigbus {

// Returns whether the interrupted code can go on.
bool absorb(int signo, const siginfo_t& info, void* ucontext);

}  // namespace nosigbus
