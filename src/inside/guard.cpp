// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <nosigbus/recovery.h>
#include <src/shared/port.h>

namespace {

template <class State>
int stop(nosigbus_recovery_point& point, State&& state) {
  if constexpr (nosigbus::arch::has_extable) {
    state.set_frame(reinterpret_cast<uintptr_t>(&point), point.registers);
    return NOSIGBUS_RESUME;
  }
  return NOSIGBUS_DECLINE;
}

}  // namespace

int nosigbus_guard_stop(nosigbus_recovery_point* point, void* ucontext) noexcept {
  return stop(*point, nosigbus::arch::machine_state(ucontext));
}
