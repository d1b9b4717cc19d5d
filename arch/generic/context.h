// SPDX-License-Identifier: MIT
//
// Any machine: what a signal's ucontext says about the interrupted code without knowing the registers by
// name. Runs inside the signal.
#pragma once

#include <nosigbus/fault.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

// Where the guarded loops lie (loops.cpp). Defined by the linker; weak, for programs that use none.
extern "C" __attribute__((weak, visibility("hidden"))) const char __start_nosigbus_guarded_code[];
extern "C" __attribute__((weak, visibility("hidden"))) const char __stop_nosigbus_guarded_code[];

namespace nosigbus::arch {

// Without registers there is no going on elsewhere: operations end through their recovery point.
inline constexpr bool has_extable = false;

inline uintptr_t without_tag(uintptr_t address) { return address; }

class machine_state {
 public:
  explicit machine_state(void* ucontext) : uc_(static_cast<ucontext_t*>(ucontext)) {}

  // The interrupted instruction, if it belongs to a guarded loop, or 0. The loops have a section to
  // themselves, they call nothing, and nobody has an address inside of it: a register that points there is
  // the program counter. Somebody has the section's bounds, though: this very function, on whose callers'
  // behalf a previous handler may run. At them no instruction faults.
  uintptr_t pc() const {
    return find([](uintptr_t word) {
      return word > reinterpret_cast<uintptr_t>(__start_nosigbus_guarded_code) &&
             word < reinterpret_cast<uintptr_t>(__stop_nosigbus_guarded_code);
    });
  }
  // Whether the interrupted code is a guarded loop in this frame (__builtin_frame_address). A function that
  // asks for the address of its frame keeps it in a register.
  bool interrupted(uintptr_t frame) const {
    return pc() != 0 && find([frame](uintptr_t word) { return word == frame; }) == frame;
  }

  // The machine would know both. What a guarded operation does its recovery point tells.
  nosigbus_access access() const { return NOSIGBUS_ACCESS_UNKNOWN; }
  // If it was one into a region, it gets an overlay, which cannot be executed: it faults again, as SIGSEGV.
  bool instruction_fetch(uintptr_t) const { return false; }

  // Which registers an instruction writes is not known here.
  bool complete_load(uint64_t) { return false; }

  // In the mask that returning from the handler restores.
  void set_blocked(int signo, bool blocked) {
    uint64_t mask;  // the kernel's 64 signals come first in the C library's larger set
    __builtin_memcpy(&mask, &uc_->uc_sigmask, sizeof mask);
    const uint64_t bit = uint64_t{1} << (signo - 1);
    mask = blocked ? mask | bit : mask & ~bit;
    __builtin_memcpy(&uc_->uc_sigmask, &mask, sizeof mask);
  }
  // Kernels set it to null and ignore it on return.
  void*& link() { return reinterpret_cast<void*&>(uc_->uc_link); }

 private:
  // The first word among the saved registers for which this holds, or 0.
  template <class Predicate>
  uintptr_t find(Predicate predicate) const {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(&uc_->uc_mcontext);
    for (size_t at = 0; at + sizeof(uintptr_t) <= sizeof uc_->uc_mcontext; at += sizeof(uintptr_t)) {
      uintptr_t word;
      __builtin_memcpy(&word, bytes + at, sizeof word);
      if (predicate(word)) return word;
    }
    return 0;
  }

  ucontext_t* uc_;
};

// A machine that minds them in the program minds them in the handler, and the compiler knows.
inline void allow_misaligned_accesses() {}

// How valgrind is asked depends on the processor.
inline bool below_valgrind() { return false; }

}  // namespace nosigbus::arch
