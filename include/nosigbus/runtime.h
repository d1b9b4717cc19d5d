/* SPDX-License-Identifier: MIT
 *
 * The signal handler: putting it in place, taking it away, asking whether it works.
 *
 * Nothing is installed until a program asks. A fault or a sent signal that is not nosigbus's reaches
 * the action that was in place before, called as the kernel would have called it (mask, SA_NODEFER,
 * SA_RESETHAND, alternate stack), and kills where it would have killed, with the core taken at the
 * faulting instruction.
 */
#ifndef NOSIGBUS_RUNTIME_H
#define NOSIGBUS_RUNTIME_H

#include <signal.h>

#include <nosigbus/abi.h>
#include <nosigbus/fault.h>

NOSIGBUS_BEGIN_DECLS

/* Flag of nosigbus_install: guarded operations and recovery points also survive SIGSEGV. */
#define NOSIGBUS_CATCH_SEGV 0x1u

/* Installs the handler for SIGBUS and, with NOSIGBUS_CATCH_SEGV, for SIGSEGV.
 *
 * flags: 0 or NOSIGBUS_CATCH_SEGV. A further call adds its flags to those in force; it does not put
 *   a displaced handler back on top (that is nosigbus_rearm).
 * Returns 0, or -EINVAL for an unknown flag, -ENOMEM, or what sigaction(2) failed with.
 * Without NOSIGBUS_CATCH_SEGV, SIGSEGV is still taken as soon as the process has a writable region
 * without NOSIGBUS_DISCARD_WRITES: only so can a guarded write that meets the read-only overlay of
 * such a region be survived. Every other SIGSEGV goes to the previous action.
 * Thread-safe. Not async-signal-safe. */
NOSIGBUS_API int nosigbus_install(unsigned flags) NOSIGBUS_NOEXCEPT;

/* Restores the previous actions. One call undoes any number of installs.
 *
 * Returns 0; -ENOENT when not installed; -EBUSY while regions live, or when a handler installed later
 * is in front (restoring would throw it out).
 * Thread-safe. Not async-signal-safe. */
NOSIGBUS_API int nosigbus_uninstall(void) NOSIGBUS_NOEXCEPT;

/* First chance, for programs that own the SIGBUS handler: asks nosigbus to absorb this signal.
 *
 * signo, info, ucontext: what the kernel passed to the caller's SA_SIGINFO handler, unchanged.
 * Returns 1: absorbed, return from the handler at once and the program goes on; 0: not ours.
 * SIGSEGV is considered only with NOSIGBUS_CATCH_SEGV (see nosigbus_install for the one exception).
 * Needs no nosigbus_install. Thread-safe. Async-signal-safe; errno is kept. */
#if defined(si_addr) || defined(__cplusplus)
NOSIGBUS_API int nosigbus_handle_signal(int signo, siginfo_t* info, void* ucontext) NOSIGBUS_NOEXCEPT;
#else
/* Strict ISO C has no siginfo_t. */
NOSIGBUS_API int nosigbus_handle_signal(int signo, void* info, void* ucontext) NOSIGBUS_NOEXCEPT;
#endif

/* Tells whether a SIGBUS in the calling thread would reach nosigbus.
 *
 * Returns 0; -ENOENT not installed; -EBUSY another handler was installed on top (it may or may not
 * call ours; nosigbus_rearm puts ours back in front); -EPERM SIGBUS is blocked in this thread: the
 * kernel then kills at a fault whatever handler there is (signal(7), "synchronously generated").
 * Thread-safe. Async-signal-safe. */
NOSIGBUS_API int nosigbus_check(void) NOSIGBUS_NOEXCEPT;

/* Puts the handler back on top when it has been displaced; the one that displaced it becomes the
 * previous action and is called for all that is not ours.
 *
 * Returns 0 (also when not displaced); -ENOENT when not installed; -ENOMEM. A handler that chains to ours
 * and becomes our previous action makes a circle: a signal that comes round goes to the action that was
 * previous before, and round again gets the default action. One that puts back what it had displaced, and
 * perhaps raises the signal again, has left: signals go to the action that was previous before it, or where
 * that has left, too, get the default action.
 * Thread-safe. Not async-signal-safe. */
NOSIGBUS_API int nosigbus_rearm(void) NOSIGBUS_NOEXCEPT;

/* Counters since the process began. */
struct nosigbus_stats {
  /* Faults that a region, a guarded operation or a guard absorbed: the program went on. */
  uint64_t absorbed;
  /* Of these: absorbed by a region (an overlay was made, or another thread had just made it). */
  uint64_t absorbed_by_region;
  /* Of these: ended a guarded operation early. */
  uint64_t absorbed_by_operation;
  /* Overlays made: system calls that replaced missing pages by zeros. */
  uint64_t overlays;
  /* Signals handed to the previous action, the default one included. */
  uint64_t chained;
  /* Regions that live now. */
  uint64_t regions;
  /* Of those absorbed: stopped what ran below a guard. */
  uint64_t absorbed_by_guard;
};

/* Copies the counters.
 *
 * out: receives the first `size` bytes; size: sizeof(struct nosigbus_stats) as the caller knows it,
 *   in bytes; a larger size than the library knows is filled with zeros.
 * Returns 0, or -EINVAL for out NULL or size 0. Each counter is exact; together they are no snapshot.
 * Thread-safe. Async-signal-safe. */
NOSIGBUS_API int nosigbus_stats(struct nosigbus_stats* out, size_t size) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

#endif
