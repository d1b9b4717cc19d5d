// SPDX-License-Identifier: MIT
//
// aarch64: what a signal's ucontext says about the interrupted code. Runs inside the signal.
#pragma once

#include <decode.h>
#include <load.h>
#include <nosigbus/fault.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

namespace nosigbus::arch {

// A signal can go on at another instruction: operations end at the landing pads of the extable.
inline constexpr bool has_extable = true;

// The hardware ignores the top byte of a data address (Linux: Documentation/arch/arm64/tagged-pointers.rst).
// The kernel gives addresses without it, unless a handler was installed with SA_EXPOSE_TAGBITS.
inline uintptr_t without_tag(uintptr_t address) { return address & ~(uintptr_t{0xff} << 56); }

class machine_state {
 public:
  explicit machine_state(void* ucontext) : uc_(static_cast<ucontext_t*>(ucontext)) {}

  uintptr_t pc() const { return context().pc; }
  // Clears BTYPE: it belongs to the instruction that faulted, and would be checked against the new one.
  void set_pc(uintptr_t pc) {
    context().pc = pc;
    context().pstate &= ~(uint64_t{3} << 10);
  }
  uintptr_t stack() { return context().sp; }
  void set_stack(uintptr_t sp) { context().sp = sp; }
  // Goes on where nosigbus::guard has kept to (<nosigbus/arch/guard_aarch64.h>).
  void set_frame(uintptr_t point, const uint64_t* kept) {
    set_stack(kept[0]);
    context().regs[29] = kept[1];
    context().regs[19] = kept[2];
    context().regs[18] = kept[3];
    set_pc(kept[4]);
    context().regs[0] = point;
  }
  // Goes on at raise.S, on the interrupted stack; registers: x0 to x30, stack pointer, program counter.
  // Nothing is written to that stack: the kernel's frame may be there, which returning from the signal reads.
  void set_call(void (*landing)(), uint64_t* registers) {
    __builtin_memcpy(registers, context().regs, sizeof context().regs);
    registers[31] = context().sp;
    registers[32] = context().pc;
    context().regs[19] = reinterpret_cast<uintptr_t>(registers);
    // Lower than the interrupted code's: by their stack pointers unwinders tell frames.
    set_stack((stack() & ~uint64_t{15}) - 16);
    set_pc(reinterpret_cast<uintptr_t>(landing));
  }
  static bool has_shadow_stack() {
    register uint64_t feature asm("x16") = 1;
    asm volatile("hint #40" : "+r"(feature));  // chkfeat: clears what is enabled
    return feature == 0;
  }
  // The register in which rows with NOSIGBUS_ROW_ADDRESS find the faulting address.
  void set_fault_register(uintptr_t address) { context().regs[16] = address; }

  // The two below hold for a fault that the kernel made; after a sent signal the fields are stale.

  // Where the syndrome says "read", it may be an atomic, of which it names the first half. User-mode
  // emulators give no syndrome. The instruction has just been executed, so it is there to be read; text
  // that can be executed and not read (PROT_EXEC alone) is not supported.
  nosigbus_access access() const {
    const uint64_t esr = syndrome();
    if (esr != 0 && !is_data_abort(esr)) return NOSIGBUS_ACCESS_UNKNOWN;
    if ((esr & (wrote | cache_maintenance)) == wrote) return NOSIGBUS_WRITE;
    uint32_t instruction;
    __builtin_memcpy(&instruction, reinterpret_cast<const void*>(pc()), sizeof instruction);
    const nosigbus_access decoded = decode_access(instruction);
    return esr != 0 && decoded != NOSIGBUS_WRITE ? NOSIGBUS_READ : decoded;
  }
  // address: as siginfo names it.
  bool instruction_fetch(uintptr_t address) const {
    const uint64_t esr = syndrome();
    return esr != 0
               ? exception_class(esr) == instruction_abort || exception_class(esr) == instruction_abort + 1
               : address == pc();
  }

  // Does what a load of one integer would have done, had its bytes been those of value, lowest first; false,
  // and nothing done, where the instruction is no such load.
  bool complete_load(uint64_t value) {
    uint32_t instruction;
    __builtin_memcpy(&instruction, reinterpret_cast<const void*>(pc()), sizeof instruction);
    const load what = decode_load(instruction);
    if (what.size == 0) return false;
    // 31: as a base the stack pointer, as a target none.
    if (what.write_back != 0) {
      (what.base == 31 ? context().sp : context().regs[what.base]) += static_cast<uint64_t>(what.write_back);
    }
    if (what.number != 31) context().regs[what.number] = loaded(what, value);
    set_pc(pc() + sizeof instruction);
    return true;
  }

  // In the mask that returning from the handler restores.
  void set_blocked(int signo, bool blocked) {
    uint64_t mask;  // the kernel's 64 signals come first in the C library's larger set
    __builtin_memcpy(&mask, &uc_->uc_sigmask, sizeof mask);
    const uint64_t bit = uint64_t{1} << (signo - 1);
    mask = blocked ? mask | bit : mask & ~bit;
    __builtin_memcpy(&uc_->uc_sigmask, &mask, sizeof mask);
  }
  // The kernel sets it to null and ignores it on return (arch/arm64/kernel/signal.c).
  void*& link() { return reinterpret_cast<void*&>(uc_->uc_link); }

 private:
  // Syndrome: Arm ARM (DDI 0487), D17.2 "ESR_EL1". Classes: of a lower exception level, then of the same
  // one, which a program may see where the kernel runs it there.
  static constexpr uint64_t instruction_abort = 0x20, data_abort = 0x24;
  static constexpr uint64_t wrote = 1 << 6, cache_maintenance = 1 << 8;
  static uint64_t exception_class(uint64_t esr) { return esr >> 26 & 0x3f; }
  static bool is_data_abort(uint64_t esr) {
    return exception_class(esr) == data_abort || exception_class(esr) == data_abort + 1;
  }

  // Records behind the general registers: asm/sigcontext.h.
  struct record_header {
    uint32_t magic, size;
  };
  static constexpr uint32_t esr_magic = 0x4553'5201;

  // 0: there is none. The kernel puts it among the first records, never into the extra space.
  uint64_t syndrome() const {
    const unsigned char* const records = context().__reserved;
    constexpr size_t space = sizeof context().__reserved;
    record_header header;
    for (size_t at = 0; at + sizeof header + sizeof(uint64_t) <= space; at += header.size) {
      __builtin_memcpy(&header, records + at, sizeof header);
      if (header.magic == esr_magic) {
        uint64_t esr;
        __builtin_memcpy(&esr, records + at + sizeof header, sizeof esr);
        return esr;
      }
      if (header.magic == 0 || header.size < sizeof header || header.size > space) return 0;
    }
    return 0;
  }

  mcontext_t& context() { return uc_->uc_mcontext; }
  const mcontext_t& context() const { return uc_->uc_mcontext; }

  ucontext_t* uc_;
};

// Linux permits misaligned accesses to user programs, and they cannot forbid them.
inline void allow_misaligned_accesses() {}

// Whether valgrind runs this: its client request RUNNING_ON_VALGRIND (valgrind.h). What introduces a request
// does nothing on a processor, and stands in no other code.
inline bool below_valgrind() {
  const volatile uint64_t request[6] = {0x1001};
  register uint64_t answer asm("x3") = 0;
  register const volatile uint64_t* const asked asm("x4") = request;
  asm volatile(
      "ror x12, x12, #3\n\t"
      "ror x12, x12, #13\n\t"
      "ror x12, x12, #51\n\t"
      "ror x12, x12, #61\n\t"
      "orr x10, x10, x10"
      : "+r"(answer)
      : "r"(asked)
      : "memory", "cc");
  return answer != 0;
}

}  // namespace nosigbus::arch
