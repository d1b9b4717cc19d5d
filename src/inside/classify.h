// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// What happened? siginfo and ucontext become a nosigbus_fault. Pure: no state, no system call.
#pragma once

#include <nosigbus/fault.h>
#include <signal.h>
#include <src/shared/port.h>

namespace nosigbus {

// cause is NOSIGBUS_NONE for what is no memory fault that we take: sent signals, asynchronous memory
// errors, misaligned accesses, instruction fetches, other signals. Of the rest, cause is what siginfo
// alone can tell. page_size: the granule where siginfo names none.
nosigbus_fault classify(int signo, const siginfo_t& info, const arch::machine_state& state, size_t page_size);

}  // namespace nosigbus
