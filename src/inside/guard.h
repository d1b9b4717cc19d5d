// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// From a fault to the guard that stops at it.
#pragma once

#include <src/inside/recover.h>
#include <src/shared/counters.h>
#include <src/shared/guard.h>

namespace nosigbus {

// The innermost point that covers the address; null without one.
inline guard_point* find_guard_point(uintptr_t address) {
  guard_point* point = t_guard_point.load(std::memory_order_relaxed);
  while (point != nullptr && !point->covers(address)) point = point->outer;
  return point;
}

// Leaves for the guard that covers the fault, if there is one: the signal returns to its landing pad, or is
// left here and now. Nothing may be held then: no lock, no region, by no caller.
template <class State>
bool leave_for_guard(const nosigbus_fault& fault, State& state, [[maybe_unused]] void* ucontext) {
  guard_point* const point = find_guard_point(fault.address);
  if (point == nullptr) return false;
  point->fault = fault;
  counters::add(g_counters.absorbed_by_guard);
  if constexpr (arch::has_extable) {
    state.set_stack(reinterpret_cast<uintptr_t>(point));
    state.set_pc(reinterpret_cast<uintptr_t>(&nosigbus_guard_landing));
    return true;
  } else {
    leave_through(static_cast<jumping_guard_point*>(point)->context, ucontext);
  }
}

}  // namespace nosigbus
