/* SPDX-License-Identifier: MIT
 *
 * Included by <nosigbus/fuzz.hpp>: one instruction at a time, on processors where a signal's handler can ask
 * for that. Defines, in nosigbus::detail:
 *
 *   can_single_step
 *     Whether it can.
 *   set_single_step(ucontext, on)
 *     Whether SIGTRAP comes (TRAP_TRACE) behind the instruction at which the interrupted code goes on.
 *   single_steps(ucontext)
 *     Whether it was set when the code was interrupted.
 */
#ifndef NOSIGBUS_ARCH_SINGLE_STEP_HPP
#define NOSIGBUS_ARCH_SINGLE_STEP_HPP

#if defined(__x86_64__) && defined(__LP64__)
#include <nosigbus/arch/single_step_x86_64.hpp>
#else
namespace nosigbus::detail {

inline constexpr bool can_single_step = false;
inline void set_single_step(void*, bool) noexcept {}
inline bool single_steps(const void*) noexcept { return false; }

}  // namespace nosigbus::detail
#endif

#endif
