// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Faults inside regions: put zeros where the file has nothing, and let the instruction go on.
#pragma once

#include <nosigbus/fault.h>

namespace nosigbus {

// Returns whether the faulting instruction can be resumed. Otherwise fault.cause has been refined where
// the address lies in a region: inside a region the cause is decided, also when it is not absorbed.
//
// ucontext: the interrupted code's, as the kernel gave it to the handler; null in ordinary code, which has no
// call chain to be collected.
//
// sparing: where the limit of mappings is reached. An overlay over all of the region needs no room for
// another mapping; what the file still has is hidden by it, and there may be no way back. The usual effort
// ends with it.
enum class effort { usual, sparing };
bool repair(nosigbus_fault& fault, void* ucontext, effort how = effort::usual);

// Whether repair would see to it that the instruction can be resumed, as far as policy goes: nothing is
// changed.
bool repairable(nosigbus_fault fault);

// Whether the fault is a write to an overlay that is read-only because its region does not discard
// writes. The kernel reports it as SIGSEGV, but it is the missing page that the write was meant for:
// then fault.cause becomes the region's. Also where a refresh has taken the overlay away since.
bool write_to_overlay(nosigbus_fault& fault);

}  // namespace nosigbus
