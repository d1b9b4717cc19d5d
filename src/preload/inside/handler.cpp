// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/chain.h>
#include <src/inside/classify.h>
#include <src/inside/region_facts.h>
#include <src/inside/repair.h>
#include <src/preload/inside/books.h>
#include <src/preload/inside/diary.h>
#include <src/preload/inside/handler.h>
#include <src/preload/inside/healer.h>
#include <src/preload/inside/refused_write.h>
#include <src/preload/inside/spare_mappings.h>
#include <src/preload/inside/supervision.h>
#include <src/preload/options.h>
#include <src/shared/actions.h>
#include <src/shared/port.h>
#include <src/shared/region_lock.h>
#include <src/shared/registry.h>
#include <src/shared/thread_state.h>
#include <string.h>

namespace nosigbus::preload {

constinit thread_local bool t_sigbus_held = false;

namespace {

// Sent to a thread of which the program believes that it blocks SIGBUS: from here on it does, and the signal
// is pending. Once it is not any more, the thread opens its mask again (masks.cpp).
void hold_back(int signo, const siginfo_t* info, void* ucontext) {
  auto* const context = static_cast<ucontext_t*>(ucontext);
  uint64_t mask;  // the kernel's 64 signals come first in the C library's larger set
  memcpy(&mask, &context->uc_sigmask, sizeof mask);
  mask |= sigbus_bit;
  memcpy(&context->uc_sigmask, &mask, sizeof mask);
  sys::set_signal_mask(~uint64_t{0}, nullptr);
  t_sigbus_held = true;
  // What was sent to the process is any thread's that does not block it, or waits for it (sigwait(3)).
  if (info->si_code == SI_TKILL || sys::failed(sys::queue_to_process(signo, info))) {
    sys::queue_to_self(signo, info);
  }
}

// What the region at the fault has in common with the journal.
struct noted {
  journal_record* record = nullptr;
  size_t granule = 0;
};
noted look_up(uintptr_t address) {
  const scoped_signal_block no_signals;
  const registry::visited_region visited(address);
  const region_descriptor* const region = visited.get();
  if (region == nullptr) return {};
  return {static_cast<journal_record*>(region->companion), region->granule};
}

// Offset of the first missing page of those that the overlay hides, which may be more than are missing;
// UINT64_MAX where there is no looking behind it.
uint64_t first_bad(uintptr_t address) {
  const scoped_signal_block no_signals;
  const registry::visited_region visited(address);
  region_descriptor* const region = visited.get();
  if (region == nullptr) return UINT64_MAX;
  const region_lock lock(*region, no_signals);
  const size_t page = (address - region->base) & ~(region->granule - 1);
  const interval* const part = region->overlays.find(page);
  return part == nullptr || region->shadow == 0 ? UINT64_MAX : first_missing(*region, part->begin, page);
}

// A fault in a region. Whether the interrupted code can go on.
bool serve(nosigbus_fault& fault, int signo, siginfo_t* info, void* ucontext) {
  const noted before = look_up(fault.address);
  if (before.granule == 0) return false;
  bool handler = false, served = false, cured = false;
  if (!g_options.rescue && under_supervision() == nullptr && program_has_handler() && repairable(fault)) {
    handler = true;
    cured = supervise(fault, before.record, before.granule, signo, info, ucontext, &served) && !served;
  }
  if (!cured && !supply_zeros(fault)) return false;
  const bool first = before.record != nullptr && before.record->faults.load(std::memory_order_relaxed) == 0;
  diary::note_fault(before.record, fault.cause, first ? first_bad(fault.address) : UINT64_MAX,
                    cured ? diary::outcome::cured : diary::outcome::zeros, handler);
  if (!cured) healer::wake();
  return true;
}

// To whom the signal would have gone without us.
void pass_on(int signo, siginfo_t* info, void* ucontext) {
  const bool fault = info->si_code > 0;
  // The program's handler is at work, and the kernel would not have called it again.
  if (fault && under_supervision() != nullptr) return end_by_default(signo, info, ucontext);
  const previous_action* const action = slot_of(signo)->previous.load(std::memory_order_acquire);
  const bool blocks = action != nullptr && (action->flags & SA_NODEFER) == 0;
  // Our action leaves SIGBUS open, so that a fault of the program's handler can be absorbed.
  if (blocks) sys::change_signal_mask(SIG_BLOCK, sigbus_bit, nullptr);
  chain(signo, info, ucontext);
}

// The mask with which the kernel would have called the program's handler.
void take_mask_of(int signo, const ucontext_t& context) {
  const previous_action* const action = slot_of(signo)->previous.load(std::memory_order_acquire);
  uint64_t mask;
  memcpy(&mask, &context.uc_sigmask, sizeof mask);
  sys::set_signal_mask((mask | (action == nullptr ? 0 : action->mask)) & ~sigbus_bit, nullptr);
}

// The kernel's words for a write to what we put there instead of a missing page; those for the missing page
// then.
void on_sigsegv(siginfo_t* info, void* ucontext) {
  const arch::machine_state state(ucontext);
  const nosigbus_fault fault = classify(SIGSEGV, *info, state, g_page_size);
  journal_record* record = nullptr;
  switch (look_at_refused_write(fault, &record)) {
    case refusal::resumable:
      return;
    case refusal::missing: {
      diary::note_fault(record, NOSIGBUS_EOF, UINT64_MAX, diary::outcome::passed, false);
      siginfo_t bus = *info;
      bus.si_signo = SIGBUS;
      bus.si_code = BUS_ADRERR;
      take_mask_of(SIGBUS, *static_cast<ucontext_t*>(ucontext));
      return pass_on(SIGBUS, &bus, ucontext);
    }
    case refusal::not_ours:
      break;
  }
  chain(SIGSEGV, info, ucontext);
}

}  // namespace

}  // namespace nosigbus::preload

using namespace nosigbus;
using namespace nosigbus::preload;

extern "C" void nosigbus_preload_on_signal(int signo, siginfo_t* info, void* ucontext) {
  arch::allow_misaligned_accesses();
  if (signo == SIGSEGV) return on_sigsegv(info, ucontext);
  if (info->si_code <= 0 && t_sigbus_blocked) return hold_back(signo, info, ucontext);
  arch::machine_state state(ucontext);
  nosigbus_fault fault = classify(signo, *info, state, g_page_size);
  if (fault.cause != NOSIGBUS_MISSING) return pass_on(signo, info, ucontext);
  switch (guard_mapping(fault, ucontext)) {
    case finding::resumable:
      return;
    case finding::guarded: {
      if (serve(fault, signo, info, ucontext)) return;
      // Healed or unmapped meanwhile, by another thread: the access tells what is there now.
      const noted now = look_up(fault.address);
      if (now.granule == 0) return;
      diary::note_fault(now.record, fault.cause, UINT64_MAX, diary::outcome::passed, false);
      break;
    }
    case finding::not_guarded:
      break;
  }
  pass_on(signo, info, ucontext);
}
