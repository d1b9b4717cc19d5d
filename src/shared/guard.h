// SPDX-License-Identifier: MIT
//
// Recovery points of code that knows nothing of us (<nosigbus/recovery.h>), nosigbus_guard's above all, which
// each port has.
//
// Liveness. The points of a thread are a list of local variables, innermost first. A signal's handler can
// run, and fault, between any two instructions. So a point is put in the list when all of it stands, last of
// all before the call, and taken out first of all after it; in between it can be left through. When an
// exception or pthread_exit passes through, the personality routine takes it out. Only longjmp(3) past it is
// not noticed, and forbidden.
#pragma once

#include <nosigbus/recovery.h>
#include <src/shared/port.h>
#include <src/shared/recovery_point.h>
#include <stddef.h>

namespace nosigbus {

// Belongs to one thread; the handler that reads it and writes to it runs on the same one. Assembly knows it
// by its offsets, and finds its own frame by the point's address.
using guard_point = ::nosigbus_recovery_point;
static_assert(offsetof(guard_point, begin) == 0);
static_assert(offsetof(guard_point, length) == 8);
static_assert(offsetof(guard_point, outer) == 16);
static_assert(offsetof(guard_point, recover) == 24);
static_assert(offsetof(guard_point, fault) == 32);
static_assert(offsetof(guard_point, shadow_stack) == 72);
static_assert(offsetof(guard_point, registers) == 88);

// The list is walked by the signal handler of the same thread: relaxed, with signal fences.
static_assert(std::atomic_ref<guard_point*>::is_always_lock_free);
inline guard_point* innermost() {
  return std::atomic_ref(nosigbus_guard_innermost).load(std::memory_order_relaxed);
}
// Not inlined: compilers keep the address of a thread-local over calls, and a fiber may have gone on on
// another thread.
void set_innermost(guard_point* point);

inline bool covers(const guard_point& point, uintptr_t address) {
  return point.length == 0 || address - point.begin < point.length;
}

// Of ports that leave the handler where it is.
struct jumping_guard_point : guard_point {
  recovery_context context;
};

}  // namespace nosigbus

extern "C" {

// The landing pad of nosigbus_guard, where there is one: with the stack pointer at the point.
void nosigbus_guard_landing();

// Where a port with an extable goes on to call nosigbus_raise as if the interrupted instruction did: with the
// stack pointer at what machine_state::set_call has put there.
void nosigbus_raise_landing();
[[noreturn]] void nosigbus_raise(const nosigbus::guard_point* point);

// Each port's nosigbus_guard calls these where checks are on, before the point is in the list, and behind fn;
// and nosigbus_guard_left, after it has been left, with the point out of the list.
void nosigbus_guard_begins(const nosigbus::guard_point* point);
void nosigbus_guard_ends(const nosigbus::guard_point* point);

// What unwinders call for its frame: takes the point out of the list, on the way through.
int nosigbus_guard_personality(int version, int actions, uint64_t exception_class, void* exception,
                               void* context);
}
