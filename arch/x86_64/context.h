// SPDX-License-Identifier: MIT
//
// x86_64: what a signal's ucontext says about the interrupted code. Runs inside the signal.
#pragma once

#include <load.h>
#include <nosigbus/fault.h>
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

namespace nosigbus::arch {

// A signal can go on at another instruction: operations end at the landing pads of the extable.
inline constexpr bool has_extable = true;

// Addresses have no part that does not count.
inline uintptr_t without_tag(uintptr_t address) { return address; }

class machine_state {
 public:
  explicit machine_state(void* ucontext) : uc_(static_cast<ucontext_t*>(ucontext)) {}

  uintptr_t pc() const { return static_cast<uintptr_t>(reg(REG_RIP)); }
  void set_pc(uintptr_t pc) { reg(REG_RIP) = static_cast<greg_t>(pc); }
  uintptr_t stack() { return static_cast<uintptr_t>(reg(REG_RSP)); }
  void set_stack(uintptr_t sp) { reg(REG_RSP) = static_cast<greg_t>(sp); }
  // Goes on where nosigbus::guard has kept to (<nosigbus/arch/guard_x86_64.h>).
  void set_frame(uintptr_t point, const uint64_t* kept) {
    set_stack(kept[0]);
    reg(REG_RBP) = static_cast<greg_t>(kept[1]);
    reg(REG_RBX) = static_cast<greg_t>(kept[2]);
    set_pc(kept[3]);
    reg(REG_RAX) = static_cast<greg_t>(point);
  }
  // Goes on at raise.S, on the interrupted stack; registers: in DWARF's order, and the program counter behind
  // them. Nothing is written to that stack: the kernel's frame may be there, which returning from the signal
  // reads.
  void set_call(void (*landing)(), uint64_t* registers) {
    constexpr int dwarf_order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                   REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                   REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    constexpr uintptr_t red_zone = 128;
    for (int i = 0; i < 17; ++i) registers[i] = static_cast<uint64_t>(reg(dwarf_order[i]));
    reg(REG_RBX) = static_cast<greg_t>(reinterpret_cast<uintptr_t>(registers));
    set_stack((stack() - red_zone) & ~uintptr_t{15});
    set_pc(reinterpret_cast<uintptr_t>(landing));
  }
  static bool has_shadow_stack() {
    uintptr_t at = 0;
    asm volatile("rdsspq %0" : "+r"(at));  // without one it does nothing
    return at != 0;
  }
  // The register in which rows with NOSIGBUS_ROW_ADDRESS find the faulting address.
  void set_fault_register(uintptr_t address) { reg(REG_RAX) = static_cast<greg_t>(address); }

  // The two below hold for a fault that the kernel made; after a sent signal the fields are stale.
  nosigbus_access access() const {
    if (reg(REG_TRAPNO) != page_fault) return NOSIGBUS_ACCESS_UNKNOWN;
    return (reg(REG_ERR) & error_write) != 0 ? NOSIGBUS_WRITE : NOSIGBUS_READ;
  }
  // address: as siginfo names it; here the page fault itself says what it was.
  bool instruction_fetch(uintptr_t) const {
    return reg(REG_TRAPNO) == page_fault && (reg(REG_ERR) & error_instruction_fetch) != 0;
  }

  // Does what a load of one integer would have done, had its bytes been those of value, lowest first; false,
  // and nothing done, where the instruction is no such load.
  bool complete_load(uint64_t value) {
    constexpr int encoded[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                               REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    const load what = decode_load(reinterpret_cast<const unsigned char*>(pc()));
    if (what.length == 0) return false;
    greg_t& target = reg(encoded[what.number]);
    target = static_cast<greg_t>(loaded(what, static_cast<uint64_t>(target), value));
    set_pc(pc() + what.length);
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
  // The kernel sets it to null and ignores it on return (arch/x86/kernel/signal_64.c).
  void*& link() { return reinterpret_cast<void*&>(uc_->uc_link); }

 private:
  // Trap number and error code bits: Intel SDM vol. 3, 6.15 "Interrupt 14 - page-fault exception".
  static constexpr greg_t page_fault = 14;
  static constexpr greg_t error_write = 1 << 1;
  static constexpr greg_t error_instruction_fetch = 1 << 4;

  greg_t& reg(int index) { return uc_->uc_mcontext.gregs[index]; }
  greg_t reg(int index) const { return uc_->uc_mcontext.gregs[index]; }

  ucontext_t* uc_;
};

// First in the handler: the kernel leaves EFLAGS.AC as the interrupted code had it, and with it set every
// misaligned access that the compiler makes of ours would be a fault in the handler.
inline void allow_misaligned_accesses() {
  asm volatile(
      "lea -128(%%rsp), %%rsp\n\t"  // the red zone
      "pushfq\n\t"
      "andl $~0x40000, (%%rsp)\n\t"
      "popfq\n\t"
      "lea 128(%%rsp), %%rsp"
      :
      :
      : "memory", "cc");
}

// Whether valgrind runs this: its client request RUNNING_ON_VALGRIND (valgrind.h). What introduces a request
// does nothing on a processor, and stands in no other code.
inline bool below_valgrind() {
  const volatile uint64_t request[6] = {0x1001};
  uint64_t answer = 0;
  asm volatile(
      "rolq $3, %%rdi\n\t"
      "rolq $13, %%rdi\n\t"
      "rolq $61, %%rdi\n\t"
      "rolq $51, %%rdi\n\t"
      "xchgq %%rbx, %%rbx"
      : "+d"(answer)
      : "a"(&request)
      : "memory", "cc");
  return answer != 0;
}

}  // namespace nosigbus::arch
