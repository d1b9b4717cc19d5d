// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// From a faulting instruction to its landing pad.
#pragma once

#include <nosigbus/fault.h>
#include <stdint.h>

namespace nosigbus {

// The landing pad for this instruction and this kind of access. address: 0 without one. of_load: the
// instruction stands alone, and does nothing but load.
struct landing_pad {
  uintptr_t address;
  bool wants_fault_address, of_load;
};

landing_pad find_landing_pad(uintptr_t pc, nosigbus_access access);

}  // namespace nosigbus
