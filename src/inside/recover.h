// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// From a fault in a guarded loop to the loop's recovery point.
#pragma once

#include <src/shared/port.h>
#include <src/shared/recovery_point.h>

namespace nosigbus {

// The point of the operation whose loop was interrupted, if the fault lies in what it guards; null otherwise.
// fault.access becomes what the operation does there.
template <port_recovering_state State>
recovery_point* find_recovery_point(nosigbus_fault& fault, const State& state) {
  // In this order: until the frame agrees, the point may be dead stack.
  const uintptr_t frame = t_recovery_frame.load(std::memory_order_relaxed);
  if (frame == 0 || !state.interrupted(frame)) return nullptr;
  recovery_point* const point = t_recovery_point.load(std::memory_order_relaxed);
  for (const guarded_range& range : point->guarded) {
    if (!range.contains(fault.address)) continue;
    fault.access = range.access;
    return point;
  }
  return nullptr;
}

// Leaves the handler. Nothing may be held: no lock, no region, by no caller.
[[noreturn]] void leave_through(recovery_context& target, const void* ucontext);

}  // namespace nosigbus
