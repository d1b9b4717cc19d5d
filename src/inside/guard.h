// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// From a fault to the recovery point that takes it.
#pragma once

#include <src/inside/left_guard.h>
#include <src/inside/recover.h>
#include <src/shared/counters.h>
#include <src/shared/guard.h>
#include <src/shared/sync.h>

namespace nosigbus {

// Leaves for the guard: the signal returns to its landing pad, or is left here and now.
template <class State>
void leave_for_guard(guard_point& point, State& state, [[maybe_unused]] void* ucontext) {
  if constexpr (arch::has_extable) {
    state.set_stack(reinterpret_cast<uintptr_t>(&point));
    state.set_pc(reinterpret_cast<uintptr_t>(&nosigbus_guard_landing));
  } else {
    leave_through(static_cast<jumping_guard_point&>(point).context, ucontext);
  }
}

// nosigbus_guard's has no more of a point than it needs, and nosigbus::guard fills in no more.
inline bool is_guard(const guard_point& point) {
  return point.recover == nullptr || point.recover == nosigbus_guard_stop;
}

// Whether the guard takes the fault. A signal handler on top of this one, which meets another fault there,
// leaves for the guard with that one, and this handler is left with it.
template <class State>
bool stop(guard_point& point, const nosigbus_fault& fault, State& state, void* ucontext) {
  point.fault = fault;
  if (point.recover != nullptr) return point.recover(&point, ucontext) == NOSIGBUS_RESUME;
  leave_for_guard(point, state, ucontext);
  return true;
}

// Who met the fault: code that knows nothing of us, or a guarded load.
enum class met_by { code, load };

// Whether the point takes the fault. With all signals blocked: from others, this handler comes back, and has
// to find its own fault there, not the one that a signal handler on top of it met in the meantime.
template <class State>
bool ask(guard_point& point, const nosigbus_fault& fault, met_by what, State& state, void* ucontext) {
  const scoped_signal_block no_signals;
  point.fault = fault;
  point.of_load = what == met_by::load ? 1 : 0;
  const int answer = point.recover(&point, ucontext);
  if constexpr (arch::has_extable) {
    if (answer != NOSIGBUS_RAISE) return answer == NOSIGBUS_RESUME;
    // No call has put an address there that unwinders could take off.
    if (State::has_shadow_stack()) return false;
    state.set_call(&nosigbus_raise_landing, point.registers);
    return true;
  }
  return answer == NOSIGBUS_RESUME;
}

inline bool takes(const guard_point& point, met_by what) {
  return what == met_by::code || (!is_guard(point) && (point.wants & NOSIGBUS_WANTS_LOADS) != 0);
}

// Goes on where a recovery point says that covers the fault, if there is one. Nothing may be held then: no
// lock, no region, by no caller.
template <class State>
bool recover_from(const nosigbus_fault& fault, State& state, void* ucontext, met_by what) {
  for (guard_point* point = innermost(); point != nullptr; point = point->outer) {
#ifdef NOSIGBUS_CHECKS
    if constexpr (arch::has_extable) require_not_left(!in_dead_frame(*point, state.stack()));
#endif
    if (!covers(*point, fault.address) || !takes(*point, what)) continue;
    // Counted first: a guard may not come back.
    counters::add(g_counters.absorbed_by_guard);
    if (is_guard(*point) ? stop(*point, fault, state, ucontext) : ask(*point, fault, what, state, ucontext)) {
      return true;
    }
    point->fault.cause = NOSIGBUS_NONE;
    counters::subtract(g_counters.absorbed_by_guard);
  }
  return false;
}

}  // namespace nosigbus
