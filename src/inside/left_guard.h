// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// For builds with NOSIGBUS_CHECKS: guards that were left by longjmp, whose points nobody took out.
#pragma once

#include <src/shared/guard.h>

namespace nosigbus {

// Whether the point lies on the stack on which all from `in_use` on is in use, below that: in a frame that is
// gone. Of two stacks in one mapping only alternate ones (sigaltstack(2)) are told apart from others.
bool in_dead_frame(const guard_point& point, uintptr_t in_use);

// Ends the process with a message, unless `right`.
void require_not_left(bool right);

}  // namespace nosigbus
