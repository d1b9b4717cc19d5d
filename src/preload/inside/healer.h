// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// The healer: a thread that looks whether files have grown again, every 50 ms while anything is
// damaged, and is not there else. The program does not know of it: it is no thread of the C library, has all
// signals blocked, runs on a stack of its own and makes raw system calls alone.
#pragma once

namespace nosigbus::preload::healer {

// How far from the thread pointer errno is, which the generic port's system calls write to: the healer has
// room for that and for no other data of threads. Before wake, on a thread of the C library.
void measure_thread_data();

// Something is damaged. Async-signal-safe.
void wake();
// On an occasion: where no thread could be made for it before (RLIMIT_NPROC), one may be now.
// Async-signal-safe.
void wake_if_missed();

// The healer is gone until resume: for what the kernel does for programs of one thread only, and for what
// each thread has to do by itself (changing the user). Not async-signal-safe, nests, any thread.
void pause();
enum class next { healer_if_needed, nobody };  // nobody: until something is damaged again
void resume(next then = next::healer_if_needed);

}  // namespace nosigbus::preload::healer
