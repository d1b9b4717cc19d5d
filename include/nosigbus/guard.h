/* SPDX-License-Identifier: MIT
 *
 * Guards: code that stops at a fault instead of dying of it.
 *
 * For code that cannot go on with zeros, and that knows nothing of nosigbus: a decoder, a parser, a libc
 * function. It runs below a recovery point; the first fault leaves it for good, however deep the calls.
 *
 *   struct nosigbus_fault fault;
 *   int rows = nosigbus_guard(decode, &picture, mapped, mapped_size, &fault);
 *   if (fault.cause != NOSIGBUS_NONE) give_up(&picture, &fault);
 *
 * What is left is left as by longjmp(3): destructors and cleanup handlers between the fault and the guard do
 * not run, locks stay held, memory that only the code left knew of leaks. Let it work on what the caller
 * owns; <nosigbus/nosigbus.hpp> has nosigbus::guard, which says the same of C++.
 *
 * A fault first goes where it always goes: a region that absorbs it, or a guarded operation that meets it,
 * goes on, and the guard never hears of it.
 */
#ifndef NOSIGBUS_GUARD_H
#define NOSIGBUS_GUARD_H

#include <stddef.h>

#include <nosigbus/abi.h>
#include <nosigbus/fault.h>

NOSIGBUS_BEGIN_DECLS

/* Runs fn(arg), and stops it at a fault.
 *
 * fn, arg: what to run, on this thread. base, length: the addresses whose faults stop it, in bytes: those of
 *   a mapping, or of a region (nosigbus_region_data, _size) for what that does not absorb. NULL and 0: any.
 *   A fault anywhere else is handled as if there were no guard, which mostly kills. out: receives the fault,
 *   or all zeros (cause NOSIGBUS_NONE) when fn returned by itself; may be NULL.
 * Returns what fn returned; -EFAULT when it was stopped; -EINVAL, without having run it: fn NULL, base
 * without length, length without base, the range wraps.
 *
 * Takes nosigbus_install or nosigbus_handle_signal for faults to be caught; with NOSIGBUS_CATCH_SEGV, also
 * SIGSEGV for memory that is not mapped, or not for this access. Guards nest, the innermost that covers the
 * address stops; each belongs to its thread, and a fault on another thread is not caught. exec and fork are
 * as without a guard. C++ exceptions and pthread_exit(3) may pass through. Leaving by longjmp(3), or by
 * switching to another stack for good, is an error, which a library built with NOSIGBUS_CHECKS (Debug builds)
 * ends with a message and abort(3) as soon as it finds out; for nosigbus::guard the program is to be built
 * with NOSIGBUS_CHECKS, too, as the CMake package and pkg-config say.
 *
 * After a fault the signal mask and the alternate stack are what they were when it happened. So what fn
 * itself has blocked stays blocked; and so does what was blocked by a signal whose handler fn was interrupted
 * by, if the fault was in that handler. Thread-safe. Async-signal-safe as far as fn is. */
NOSIGBUS_API int nosigbus_guard(int (*fn)(void*), void* arg, const void* base, size_t length,
                                struct nosigbus_fault* out);

NOSIGBUS_END_DECLS

#endif
