// SPDX-License-Identifier: MIT
//
// What machine_state reads from a context: by the syndrome where there is one, else from the instruction.
#include <doctest/doctest.h>
#include <src/inside/classify.h>

#include <string>

#include "syndrome.h"

namespace {

using namespace test;
using nosigbus::arch::machine_state;

// Code that is only looked at.
alignas(4) const uint32_t load = 0xf9400020, store = 0xf9000020,
                          atomic_add = 0xf8200041, prefetch = 0xf9800020, nop = 0xd503201f;

uintptr_t address_of(const uint32_t& instruction) { return reinterpret_cast<uintptr_t>(&instruction); }

nosigbus_access access_of(ucontext_t context) { return machine_state(&context).access(); }

ucontext_t with_syndrome(const uint32_t& instruction, uint64_t esr) {
  ucontext_t context = context_at(address_of(instruction));
  add_syndrome(context, esr);
  return context;
}

nosigbus_fault classified(ucontext_t context, uintptr_t address, int code = BUS_ADRERR) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_code = code;
  info.si_addr = reinterpret_cast<void*>(address);
  return nosigbus::classify(SIGBUS, info, machine_state(&context), 4096);
}

}  // namespace

TEST_CASE("The syndrome tells reads from writes") {
  for (const uint64_t same_level : {uint64_t{0}, uint64_t{1} << 26}) {
    CHECK(access_of(with_syndrome(load, esr_data_abort | same_level)) == NOSIGBUS_READ);
    CHECK(access_of(with_syndrome(load, esr_data_abort | same_level | esr_wrote)) == NOSIGBUS_WRITE);
  }
  CHECK(access_of(with_syndrome(nop, esr_data_abort)) == NOSIGBUS_READ);
  CHECK(access_of(with_syndrome(store, esr_system_error)) == NOSIGBUS_ACCESS_UNKNOWN);
}

TEST_CASE("Cache maintenance reads, although its syndrome says that it wrote") {
  alignas(4) static const uint32_t clean = 0xd50b7b20;  // dc cvau, x0
  CHECK(access_of(with_syndrome(clean, esr_data_abort | esr_wrote | esr_cache_maintenance)) == NOSIGBUS_READ);
}

TEST_CASE("An atomic writes, although its syndrome may say that it read") {
  CHECK(access_of(with_syndrome(atomic_add, esr_data_abort)) == NOSIGBUS_WRITE);
  CHECK(access_of(with_syndrome(atomic_add, esr_data_abort | esr_wrote)) == NOSIGBUS_WRITE);
}

TEST_CASE("Without a syndrome the instruction tells") {
  CHECK(access_of(context_at(address_of(load))) == NOSIGBUS_READ);
  CHECK(access_of(context_at(address_of(store))) == NOSIGBUS_WRITE);
  CHECK(access_of(context_at(address_of(atomic_add))) == NOSIGBUS_WRITE);
  CHECK(access_of(context_at(address_of(prefetch))) == NOSIGBUS_ACCESS_UNKNOWN);
  CHECK(access_of(context_at(address_of(nop))) == NOSIGBUS_ACCESS_UNKNOWN);
}

TEST_CASE("Records that make no sense end the search") {
  constexpr size_t space = sizeof(mcontext_t::__reserved);
  for (const uint32_t size : {0u, 4u, 7u, static_cast<uint32_t>(space) + 16, 0xffff'fff0u}) {
    INFO(size);
    ucontext_t context = context_at(address_of(store));
    put_record(context, 0, fpsimd_magic, size);
    CHECK(access_of(context) == NOSIGBUS_WRITE);
  }
  ucontext_t last = context_at(address_of(load));
  put_record(last, 0, fpsimd_magic, space - 16);
  put_record(last, space - 16, esr_magic, 16, esr_data_abort | esr_wrote);
  CHECK(access_of(last) == NOSIGBUS_WRITE);
}

TEST_CASE("An instruction that cannot be fetched is no fault of ours") {
  const uintptr_t pc = address_of(load);
  CHECK(classified(with_syndrome(load, esr_instruction_abort), pc).cause == NOSIGBUS_NONE);
  CHECK(classified(with_syndrome(load, esr_instruction_abort | 1 << 26), pc).cause == NOSIGBUS_NONE);
  CHECK(classified(context_at(pc), pc).cause == NOSIGBUS_NONE);
  // Code that reads itself.
  CHECK(classified(with_syndrome(load, esr_data_abort), pc).cause == NOSIGBUS_MISSING);
  CHECK(classified(context_at(pc), pc + 4).cause == NOSIGBUS_MISSING);
}

TEST_CASE("Addresses are told without their tags") {
  const uintptr_t tagged = 0xa500'7f12'3456'7000;
  CHECK(classified(with_syndrome(load, esr_data_abort), tagged).address == 0x7f12'3456'7000);
}

TEST_CASE("What is set is what the interrupted code finds") {
  ucontext_t context = context_at(1);
  context.uc_mcontext.pstate = 0x6000'0c00;  // NZCV and BTYPE
  machine_state state(&context);
  state.set_pc(0x1000);
  state.set_fault_register(0x2000);
  CHECK(state.pc() == 0x1000);
  CHECK(context.uc_mcontext.regs[16] == 0x2000);
  CHECK(context.uc_mcontext.pstate == 0x6000'0000);
}
