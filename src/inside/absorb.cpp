// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/absorb.h>
#include <src/inside/classify.h>
#include <src/inside/extable_lookup.h>
#include <src/inside/repair.h>
#include <src/shared/actions.h>
#include <src/shared/counters.h>
#include <src/shared/thread_state.h>

#include <nosigbus/runtime.h>

namespace nosigbus {

constinit thread_local nosigbus_fault t_last_fault{};
constinit counters g_counters{};

namespace {

// Ends the guarded operation whose instruction this is, if it is one.
bool land(nosigbus_fault& fault, arch::machine_state& state) {
  const landing_pad pad = find_landing_pad(fault.pc, fault.access);
  if (pad.address == 0) return false;
  t_last_fault = fault;
  if (pad.wants_fault_address) state.set_fault_register(fault.address);
  state.set_pc(pad.address);
  counters::add(g_counters.absorbed_by_operation);
  return true;
}

bool takes_segv() { return (g_install_flags.load(std::memory_order_relaxed) & NOSIGBUS_CATCH_SEGV) != 0; }

}  // namespace

bool absorb(int signo, const siginfo_t& info, void* ucontext) {
  arch::machine_state state(ucontext);
  nosigbus_fault fault = classify(signo, info, state, g_page_size);
  if (fault.cause == NOSIGBUS_NONE) return false;

  // Regions before guarded operations: a copy inside a region reads on through zeros, as every other
  // reader of it does.
  if (signo == SIGBUS && repair(fault)) {
    counters::add(g_counters.absorbed_by_region);
    return true;
  }
  // What the kernel calls a protection fault may be a missing page all the same, the one that a
  // read-only overlay stands for. Everything else of SIGSEGV, and the non-canonical addresses that x86
  // reports as SIGBUS, is a wild pointer: only for those who asked.
  const bool wild = signo == SIGSEGV ? !write_to_overlay(fault) : fault.cause == NOSIGBUS_UNMAPPED;
  if (wild && !takes_segv()) return false;
  return land(fault, state);
}

}  // namespace nosigbus
