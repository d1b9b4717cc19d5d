// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/classify.h>

namespace nosigbus {

namespace {

// A signal that somebody sent has no fault behind it, and the rest of siginfo and ucontext belongs to some
// earlier one: its code is none of these.
nosigbus_cause cause_of(int signo, int code) {
  if (signo == SIGBUS) {
    switch (code) {
      case BUS_ADRERR:
        return NOSIGBUS_MISSING;
      case BUS_OBJERR:  // arm64: an external abort, the bus or the device behind it did not answer
        return NOSIGBUS_IO;
      case BUS_MCEERR_AR:
        return NOSIGBUS_POISON;
      case SI_KERNEL:  // x86: a stack-relative access to a non-canonical address (#SS); no address given
        return NOSIGBUS_UNMAPPED;
      default:  // BUS_ADRALN: the program's own mistake. BUS_MCEERR_AO: nobody touched it yet.
        return NOSIGBUS_NONE;
    }
  }
  if (signo == SIGSEGV) {
    switch (code) {
      case SEGV_MAPERR:
      case SI_KERNEL:  // x86: an access to a non-canonical address (#GP); no address given
        return NOSIGBUS_UNMAPPED;
      case SEGV_ACCERR:
      case SEGV_PKUERR:
        return NOSIGBUS_PROTECTED;
      default:  // bounds, memory tagging, control protection: checks that a program asked for
        return NOSIGBUS_NONE;
    }
  }
  return NOSIGBUS_NONE;
}

}  // namespace

nosigbus_fault classify(int signo, const siginfo_t& info, const arch::machine_state& state,
                        size_t page_size) {
  nosigbus_fault fault{};
  fault.signo = signo;
  fault.code = info.si_code;
  const uintptr_t address = arch::without_tag(reinterpret_cast<uintptr_t>(info.si_addr));
  // Zeros instead of the instructions that were to run are no rescue.
  if (state.instruction_fetch(address)) return fault;
  fault.cause = cause_of(signo, info.si_code);
  if (fault.cause == NOSIGBUS_NONE) return fault;

  fault.address = address;
  fault.pc = state.pc();
  fault.access = state.access();
  fault.granule = page_size;
  if (fault.cause == NOSIGBUS_POISON && info.si_addr_lsb > 0 && info.si_addr_lsb < 63) {
    fault.granule = size_t{1} << info.si_addr_lsb;
  }
  return fault;
}

}  // namespace nosigbus
