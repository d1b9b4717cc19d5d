// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/absorb.h>
#include <src/inside/classify.h>
#include <src/inside/extable_lookup.h>
#include <src/inside/guard.h>
#include <src/inside/recover.h>
#include <src/inside/repair.h>
#include <src/shared/actions.h>
#include <src/shared/counters.h>
#include <src/shared/thread_state.h>

#include <nosigbus/runtime.h>

namespace nosigbus {

constinit thread_local nosigbus_fault t_last_fault{};
// Its cause by a name of its own, for assembly where a byte more counts (arch/x86_64/copy.S).
static_assert(offsetof(nosigbus_fault, cause) == 24);
asm(".globl nosigbus_last_fault_cause\n\t"
    ".hidden nosigbus_last_fault_cause\n\t"
    ".type nosigbus_last_fault_cause, %tls_object\n\t"
    ".set nosigbus_last_fault_cause, nosigbus_last_fault_record + 24");
constinit counters g_counters{};

namespace {

// Not inlined: where a fiber was asked first, it may have gone on on another thread, and compilers keep the
// address of what is the thread's.
__attribute__((noinline)) void record(const nosigbus_fault& fault) {
  t_last_fault = fault;
  counters::add(g_counters.absorbed_by_operation);
}

// The guarded operation that met the fault, by either way out. An empty one where there is none.
//
// Of a port with an extable: an operation is where one of its instructions is.
template <class State, bool = arch::has_extable>
class guarded_operation {
 public:
  guarded_operation(nosigbus_fault&, State& state, void* ucontext) : state_(state), ucontext_(ucontext) {}

  bool end(const nosigbus_fault& fault) {
    const landing_pad pad = find_landing_pad(fault.pc, fault.access);
    if (pad.address == 0) return false;
    if (pad.of_load && recover_from(fault, state_, ucontext_, met_by::load)) return true;
    record(fault);
    if (pad.wants_fault_address) state_.set_fault_register(fault.address);
    state_.set_pc(pad.address);
    return true;
  }

 private:
  State& state_;
  void* ucontext_;
};
// Of one without: where its recovery point says, which also tells what the access was.
template <class State>
class guarded_operation<State, false> {
 public:
  guarded_operation(nosigbus_fault& fault, State& state, void* ucontext)
      : point_(find_recovery_point(fault, state)), ucontext_(ucontext) {}

  // Does not return if there is one.
  bool end(const nosigbus_fault& fault) {
    if (point_ == nullptr) return false;
    record(fault);
    leave_through(point_->context, ucontext_);
  }

 private:
  recovery_point* point_;
  void* ucontext_;
};

bool takes_segv() { return (g_install_flags.load(std::memory_order_relaxed) & NOSIGBUS_CATCH_SEGV) != 0; }

}  // namespace

bool absorb(int signo, const siginfo_t& info, void* ucontext) {
  arch::machine_state state(ucontext);
  nosigbus_fault fault = classify(signo, info, state, g_page_size);
  if (fault.cause == NOSIGBUS_NONE) return false;
  guarded_operation<arch::machine_state> operation(fault, state, ucontext);

  // Regions before guarded operations: a copy inside a region reads on through zeros, as every other
  // reader of it does.
  if (signo == SIGBUS && repair(fault, ucontext)) {
    counters::add(g_counters.absorbed_by_region);
    return true;
  }
  // What the kernel calls a protection fault may be a missing page all the same, the one that a
  // read-only overlay stands for. Everything else of SIGSEGV, and the non-canonical addresses that x86
  // reports as SIGBUS, is a wild pointer: only for those who asked.
  const bool wild = signo == SIGSEGV ? !write_to_overlay(fault) : fault.cause == NOSIGBUS_UNMAPPED;
  if (wild && !takes_segv()) return false;
  return operation.end(fault) || recover_from(fault, state, ucontext, met_by::code);
}

}  // namespace nosigbus
