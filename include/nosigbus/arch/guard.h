/* SPDX-License-Identifier: MIT
 *
 * Included by <nosigbus/guard.hpp>: guards that are part of their caller, on processors that have them. Each
 * of the headers below defines
 *
 *   NOSIGBUS_GUARD_ENTER(point, landing)
 *     An asm goto that puts the point in the thread's list, last of all. landing: a C label; where
 *     nosigbus_guard_stop goes on, as if the statement had just jumped there. It has no outputs: gcc 12 fails
 *     on these where instructions may throw (-fnon-call-exceptions).
 *   NOSIGBUS_GUARD_LANDED(point)
 *     First of all behind the label.
 *   NOSIGBUS_GUARD_LEAVE(point)
 *     Takes the point out of the list of the thread that runs now.
 *   NOSIGBUS_GUARD_ADDRESS(begin)
 *     An address as faults have it.
 *
 * The compiler is told the truth: ENTER clobbers what it does not keep and the handler does not put back, so
 * what lives beyond it is in memory, where landing finds it. Nothing is to change between ENTER and the end
 * of the guarded call but memory that the point leads to.
 */
#ifndef NOSIGBUS_ARCH_GUARD_H
#define NOSIGBUS_ARCH_GUARD_H

/* NOSIGBUS_CHECKS: the library looks for guards that were left by longjmp. Without exceptions nothing takes
 * the point out when one passes. */
#if defined(NOSIGBUS_PORTABLE) || defined(NOSIGBUS_CHECKS) || !defined(__cpp_exceptions)
#elif defined(__x86_64__) && defined(__LP64__)
#include <nosigbus/arch/guard_x86_64.h>
#elif defined(__aarch64__) && defined(__LP64__) && defined(__AARCH64EL__)
#include <nosigbus/arch/guard_aarch64.h>
#endif

#endif
