/* SPDX-License-Identifier: MIT
 *
 * x86_64: the trap flag. The kernel clears it for the handler and has it among the registers that it saves,
 * so a fault of the instruction itself leaves it set.
 */
#ifndef NOSIGBUS_ARCH_SINGLE_STEP_X86_64_HPP
#define NOSIGBUS_ARCH_SINGLE_STEP_X86_64_HPP

#include <ucontext.h>

namespace nosigbus::detail {

inline constexpr bool can_single_step = true;
inline constexpr greg_t trap_flag = 0x100;

inline void set_single_step(void* ucontext, bool on) noexcept {
  greg_t& flags = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs[REG_EFL];
  flags = on ? flags | trap_flag : flags & ~trap_flag;
}
inline bool single_steps(const void* ucontext) noexcept {
  return (static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs[REG_EFL] & trap_flag) != 0;
}

}  // namespace nosigbus::detail

#endif
