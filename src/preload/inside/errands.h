// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Where the drop-in has descriptors (src/inside/errand.h): in a table of nobody else's.
#pragma once

namespace nosigbus::preload::errands {

// To be g_errand_runner. In a program of one thread errands run where they are: nobody sees it, as signals
// are blocked. Else, and where there is no descriptor to spare, in a thread of their own that shares
// everything but the table; where the program has no right to any descriptor (setrlimit(2)), in a process
// that shares its memory. Where neither can be made, where they are.
long run(long (*act)(void*), void* argument);

// The calling thread, which is none of the program's, has a table of its own from now on, in which there is
// nothing; its errands run where they are, until it says that it is about to end. Linux 5.9; else nothing.
void leave_table();
void about_to_end();

}  // namespace nosigbus::preload::errands
