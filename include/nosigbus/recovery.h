/* SPDX-License-Identifier: MIT
 *
 * Recovery points: what guards, throwing guards and fibers are made of, for those who make more of the kind.
 *
 * A point says what becomes of a fault at some addresses while a thread has it in place. The innermost that
 * covers the address, and does not decline, is asked, after regions and guarded operations.
 */
#ifndef NOSIGBUS_RECOVERY_H
#define NOSIGBUS_RECOVERY_H

#include <stddef.h>
#include <stdint.h>

#include <nosigbus/abi.h>
#include <nosigbus/fault.h>

NOSIGBUS_BEGIN_DECLS

/* What a point's `recover` returns. DECLINE: as if there were no such point. RESUME: the interrupted
 * instruction is executed again. RAISE: `raise` is called as if by that instruction; the generic port, and a
 * thread that has a shadow stack, decline. */
#define NOSIGBUS_DECLINE 0
#define NOSIGBUS_RESUME 1
#define NOSIGBUS_RAISE 2

/* What a point has in `wants`: faults of guarded loads, too (<nosigbus/inline.h>: what only loads, by a row
 * of its own; copies and scans go on by themselves). It is asked before the load is ended; if it declines,
 * that goes on as ever. RAISE would end the program: such loads are noexcept. */
#define NOSIGBUS_WANTS_LOADS 0x1

/* Belongs to the stack on which it is in place. Lives, and does not move, until then. */
struct nosigbus_recovery_point {
  /* Set by whoever makes it, and constant, but that nosigbus_recovery_begin takes the tag off begin. The
   * addresses; length 0: any. */
  uintptr_t begin;
  size_t length;
  /* The one that was innermost before: set by nosigbus_recovery_begin. */
  struct nosigbus_recovery_point* outer;
  /* Set by whoever makes it. Decides, inside the signal handler, with all signals blocked, on the stack that
   * the kernel chose for it: what it does has to be async-signal-safe. Nothing of ours is held, so it may
   * leave by longjmp, or switch to another stack and come back later; who leaves puts back the signal mask
   * that the context has. ucontext: the third argument of the handler. NULL: of nosigbus_guard. */
  int (*recover)(struct nosigbus_recovery_point* point, void* ucontext);
  /* Written by the signal handler, before it calls `recover`. */
  struct nosigbus_fault fault;
  /* Of guards; where the thread has one. */
  uintptr_t shadow_stack;
  /* In ordinary code, on the stack of the interrupted code, which unwinders find above it, whole. Must not
   * return: it throws, or leaves by longjmp. */
  void (*raise)(const struct nosigbus_fault* fault);
  /* Written by the signal handler for `raise`: the registers of the interrupted code. Of nosigbus::guard:
   * where it goes on (<nosigbus/arch/guard.h>). nosigbus_guard has none. */
  uint64_t registers[34];
  /* NOSIGBUS_WANTS_LOADS, or 0. Guards have none. */
  uint32_t wants;
  /* Written by the signal handler, before it calls `recover`: whether the fault is a guarded load's. */
  uint32_t of_load;
};

/* This thread's innermost point; NULL without one. Written by the thread, read by its signal handlers. For
 * the assembly of nosigbus::guard. */
NOSIGBUS_API extern __thread struct nosigbus_recovery_point* nosigbus_guard_innermost
    __attribute__((tls_model("initial-exec")));

/* Puts a point in place; takes it, the innermost, out again.
 *
 * point: `begin`, `length`, `recover`, `raise` and `wants` set.
 * Thread-safe: each thread has its own. Async-signal-safe. */
NOSIGBUS_API void nosigbus_recovery_begin(struct nosigbus_recovery_point* point) NOSIGBUS_NOEXCEPT;
NOSIGBUS_API void nosigbus_recovery_end(const struct nosigbus_recovery_point* point) NOSIGBUS_NOEXCEPT;

/* For those who switch stacks: exchanges all the thread's points for those of another stack.
 *
 * innermost: of that stack; NULL for none. Returns the one that was innermost.
 * Thread-safe, async-signal-safe. */
NOSIGBUS_API struct nosigbus_recovery_point* nosigbus_recovery_exchange(
    struct nosigbus_recovery_point* innermost) NOSIGBUS_NOEXCEPT;

/* Parts of nosigbus::guard, which is compiled into its caller. stop: the `recover` of its points, which goes
 * on at the place that is kept in `registers`. left: after that, with the point taken out. Both thread-safe,
 * async-signal-safe. */
NOSIGBUS_API int nosigbus_guard_stop(struct nosigbus_recovery_point* point, void* ucontext) NOSIGBUS_NOEXCEPT;
NOSIGBUS_API void nosigbus_guard_left(const struct nosigbus_recovery_point* point) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

#endif
