// SPDX-License-Identifier: MIT
//
// What a port provides in context.h and raw_syscall.h, checked wherever it is built. docs/porting.md has
// the whole list.
#pragma once

#include <context.h>
#include <nosigbus/fault.h>
#include <raw_syscall.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include <concepts>
#include <type_traits>

namespace nosigbus {

template <class State>
concept port_machine_state = std::constructible_from<State, void*> &&
    requires(State state, const State constant, uintptr_t address) {
  { constant.pc() } -> std::same_as<uintptr_t>;
  { constant.access() } -> std::same_as<nosigbus_access>;
  { constant.instruction_fetch(address) } -> std::same_as<bool>;
  { state.complete_load(uint64_t{}) } -> std::same_as<bool>;
  { state.set_blocked(SIGBUS, false) } -> std::same_as<void>;
  { state.link() } -> std::same_as<void*&>;
};
static_assert(port_machine_state<arch::machine_state>);

// The two ways out of a guarded operation. By the extable: the signal returns to a landing pad.
template <class State>
concept port_landing_state = requires(State state, uintptr_t address) {
  { state.set_pc(address) } -> std::same_as<void>;
  { state.set_stack(address) } -> std::same_as<void>;
  { state.set_frame(address, static_cast<const uint64_t*>(nullptr)) } -> std::same_as<void>;
  { state.set_call(static_cast<void (*)()>(nullptr), static_cast<uint64_t*>(nullptr)) } -> std::same_as<void>;
  { State::has_shadow_stack() } -> std::same_as<bool>;
  { state.set_fault_register(address) } -> std::same_as<void>;
};
// By a recovery point: the handler needs to know that it interrupted the point's own loop.
template <class State>
concept port_recovering_state = requires(const State constant, uintptr_t frame) {
  { constant.interrupted(frame) } -> std::same_as<bool>;
};
static_assert(std::same_as<decltype(arch::has_extable), const bool>);
static_assert(arch::has_extable ? port_landing_state<arch::machine_state>
                                : port_recovering_state<arch::machine_state>);

// The registry's eight levels take 60 bits of address, and the census has two halves.
static_assert(sizeof(void*) == 8, "processors of 64 bits");
// It is made and dropped again inside the signal handler.
static_assert(sizeof(arch::machine_state) == sizeof(void*) &&
              std::is_trivially_destructible_v<arch::machine_state>);

template <class Action>
concept port_kernel_sigaction = requires(Action action) {
  { action.handler } -> std::same_as<void (*&)(int)>;
  { action.mask } -> std::same_as<uint64_t&>;
};
static_assert(port_kernel_sigaction<arch::kernel_sigaction>);
// rt_sigaction(2) takes the size of the mask, and finds it at the end.
static_assert(offsetof(arch::kernel_sigaction, mask) + sizeof(uint64_t) == sizeof(arch::kernel_sigaction));

static_assert(requires(uintptr_t address) {
  { arch::allow_misaligned_accesses() } -> std::same_as<void>;
  { arch::below_valgrind() } -> std::same_as<bool>;
  { arch::without_tag(address) } -> std::same_as<uintptr_t>;
});
static_assert(requires(long x) {
  { arch::raw_syscall(x) } -> std::same_as<long>;
  { arch::raw_syscall(x, x, x, x, x, x, x) } -> std::same_as<long>;
});

}  // namespace nosigbus
