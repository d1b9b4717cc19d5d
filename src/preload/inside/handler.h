// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// The drop-in's handler.
#pragma once

#include <signal.h>

extern "C" __attribute__((visibility("hidden"))) void nosigbus_preload_on_signal(int signo, siginfo_t* info,
                                                                                 void* ucontext);
