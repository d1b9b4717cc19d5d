// SPDX-License-Identifier: MIT
//
// Recovery points: where a thread goes on when what it is doing meets a fault, saved by _setjmp. For code
// whose faulting instructions no table can list.
//
// Liveness. A point is a local variable of the operation that it belongs to, and that operation can be left
// without a word: a signal interrupts it, and the signal's handler leaves by longjmp. Then t_recovery_point
// names dead stack, for as long as the thread meets no other operation. So the handler does not go by the
// pointer. What it goes by is the interrupted code: machine_state::interrupted says whether that is a guarded
// loop, in the stack frame t_recovery_frame. A loop's first act is to store its frame there, and the point is
// in place by then; so a frame that agrees means that both are of the activation that has just faulted, and
// the point, which lies in its caller's frame, is alive.
//   Dead operation, fault in ordinary code: no guarded loop is running, and neither word is believed.
//   Dead operation, fault in a later one: that has put its own words in place.
//   Signal handler on top of a live operation, fault in the handler's own code: no guarded loop.
//   The same, fault in a guarded operation of the handler: its own words, put back when it ends.
//   The same, and that operation is itself left by longjmp, for the handler to return as usual: the words
//   are those of the dead one, whose frame lay deeper. They do not agree; the interrupted operation is no
//   longer guarded, and its fault is handed on as any stranger's.
#pragma once

#include <nosigbus/fault.h>
#include <setjmp.h>
#include <signal.h>
#include <src/shared/syscalls.h>
#include <stddef.h>
#include <stdint.h>

#include <atomic>

namespace nosigbus {

// Addresses that an operation may find bad.
struct guarded_range {
  uintptr_t begin;
  size_t length;
  nosigbus_access access;  // what the operation does there

  bool contains(uintptr_t address) const { return address - begin < length; }
};

// Where to go on, by _setjmp.
struct recovery_context {
  jmp_buf registers;
  // Written by the handler right before it leaves, read where it arrives: the state that returning from the
  // handler would have restored.
  uint64_t mask;
  stack_t alternate_stack;
};

// Belongs to one thread. The operation writes it; the handler on the same thread reads it.
struct recovery_point {
  guarded_range guarded[2];
  recovery_context context;
  // Those that were in place before.
  recovery_point* outer;
  uintptr_t outer_frame;
};

// The innermost point, and the frame of the loop that it guards: null and 0 without one. Written by the
// operations of the thread, read by its handler. Relaxed, with signal fences: all on one thread.
extern constinit thread_local std::atomic<recovery_point*> t_recovery_point;
extern constinit thread_local std::atomic<uintptr_t> t_recovery_frame;

namespace recovery {

inline void set(recovery_point* point, uintptr_t frame) {
  // No frame while the two are not of one operation: nothing agrees with 0.
  t_recovery_frame.store(0, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  t_recovery_point.store(point, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  t_recovery_frame.store(frame, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// Puts the point in place; its loop still has to name its frame.
inline void begin(recovery_point& point) {
  point.outer = t_recovery_point.load(std::memory_order_relaxed);
  point.outer_frame = t_recovery_frame.load(std::memory_order_relaxed);
  set(&point, 0);
}
inline void end(const recovery_point& point) { set(point.outer, point.outer_frame); }

// First in a guarded loop.
inline __attribute__((always_inline)) void enter_frame(void* frame) {
  t_recovery_frame.store(reinterpret_cast<uintptr_t>(frame), std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// After _setjmp has returned for the second time: does what returning from the signal would have done.
inline void restore_signal_state(const recovery_context& context) {
  // The kernel takes such a stack away while a handler runs on it (sigaltstack(2)).
  constexpr unsigned autodisarm = 1u << 31;
  if ((static_cast<unsigned>(context.alternate_stack.ss_flags) & autodisarm) != 0) {
    sys::raw_syscall(SYS_sigaltstack, reinterpret_cast<long>(&context.alternate_stack), 0);
  }
  sys::set_signal_mask(context.mask, nullptr);
}

}  // namespace recovery

}  // namespace nosigbus
