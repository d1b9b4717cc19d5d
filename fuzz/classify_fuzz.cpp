// SPDX-License-Identifier: MIT
//
// What is read from a signal's siginfo and context, whatever stands in them: causes against a table, the
// first-chance entry, and the decoders of instructions.
#include <nosigbus/runtime.h>
#include <src/inside/classify.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "classify/decoders.h"
#include "support/check.h"
#include "support/features.h"
#include "support/input.h"

namespace {

using namespace fuzz;

constexpr int signals[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, 0, -1, 64};

// sigaction(2) and <asm-generic/siginfo.h>: what each code of the two signals means.
nosigbus_cause cause_of(int signo, int code) {
  if (code <= 0) return NOSIGBUS_NONE;
  constexpr int by_kernel = SI_KERNEL;
  if (code == by_kernel) return signo == SIGBUS || signo == SIGSEGV ? NOSIGBUS_UNMAPPED : NOSIGBUS_NONE;
  constexpr nosigbus_cause of_bus[] = {NOSIGBUS_NONE, NOSIGBUS_NONE, NOSIGBUS_MISSING, NOSIGBUS_IO,
                                       NOSIGBUS_POISON};
  constexpr nosigbus_cause of_segv[] = {NOSIGBUS_NONE, NOSIGBUS_UNMAPPED, NOSIGBUS_PROTECTED, NOSIGBUS_NONE,
                                        NOSIGBUS_PROTECTED};
  if (code > 4) return NOSIGBUS_NONE;
  return signo == SIGBUS ? of_bus[code] : signo == SIGSEGV ? of_segv[code] : NOSIGBUS_NONE;
}

// Instructions to point at: the handler may look at the one that was interrupted.
alignas(16) uint8_t g_instruction[64];

void choose_context(input& from, ucontext_t& context) {
  memset(&context, 0, sizeof context);
  auto* const machine = reinterpret_cast<uint8_t*>(&context.uc_mcontext);
  for (size_t i = 0; i < sizeof context.uc_mcontext && i < 512; ++i) machine[i] = from.byte();
  if (from.flag()) memset(machine, 0, sizeof context.uc_mcontext);
  // What traps say of themselves, in a few words near each other.
  for (size_t count = from.below(4); count > 0; --count) {
    const size_t at = from.below(512 / sizeof(uint64_t)) * sizeof(uint64_t);
    const uint64_t value = from.below(64);
    memcpy(machine + at, &value, sizeof value);
  }
  for (uint8_t& each : g_instruction) each = from.byte();
}

void try_context(input& from) {
  ucontext_t context;
  siginfo_t info;
  memset(&info, 0, sizeof info);
  const int signo = from.pick(signals);
  info.si_signo = from.flag() ? signo : static_cast<int>(from.number(4));
  info.si_code = from.flag() ? static_cast<int>(from.below(12)) : static_cast<int>(from.number(4));
  if (from.below(8) == 0) info.si_code = SI_KERNEL;
  info.si_addr =
      reinterpret_cast<void*>(from.flag() ? from.number(8) : reinterpret_cast<uintptr_t>(g_instruction));
  info.si_addr_lsb = static_cast<short>(from.number(2));
  choose_context(from, context);
  nosigbus::arch::machine_state state(&context);
  state.set_pc(reinterpret_cast<uintptr_t>(g_instruction) + from.below(32) / 4 * 4);

  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const nosigbus_fault fault = nosigbus::classify(signo, info, state, page);
  const uintptr_t address = nosigbus::arch::without_tag(reinterpret_cast<uintptr_t>(info.si_addr));
  const bool fetch = info.si_code > 0 && state.instruction_fetch(address);
  reached(10, fault.cause, fault.access, fetch, magnitude(fault.granule));
  FUZZ_CHECK_EQUAL(fault.cause, fetch ? NOSIGBUS_NONE : cause_of(signo, info.si_code));
  FUZZ_CHECK_EQUAL(fault.signo, signo);
  FUZZ_CHECK_EQUAL(fault.code, info.si_code);
  if (fault.cause != NOSIGBUS_NONE) {
    FUZZ_CHECK_EQUAL(fault.address, address);
    FUZZ_CHECK(fault.granule != 0 && (fault.granule & (fault.granule - 1)) == 0);
    FUZZ_CHECK(fault.cause == NOSIGBUS_POISON || fault.granule == page);
  }
  // Nothing of ours is there: it is left to others as it is.
  const ucontext_t before = context;
  FUZZ_CHECK_EQUAL(nosigbus_handle_signal(signo, &info, &context), 0);
  FUZZ_CHECK(memcmp(&before, &context, sizeof context) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // All that can be asked for is considered.
  static const int g_installed = nosigbus_install(NOSIGBUS_CATCH_SEGV);
  FUZZ_CHECK_EQUAL(g_installed, 0);
  reached(0);
  input from(data, size);
  switch (from.below(3)) {
    case 0:
      try_context(from);
      break;
    case 1:
      try_instruction(from);
      break;
    default:
      try_aarch64_instruction(from);
      break;
  }
  return 0;
}
