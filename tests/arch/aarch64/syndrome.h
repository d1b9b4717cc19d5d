// SPDX-License-Identifier: MIT
//
// Contexts with and without a syndrome, as the kernel writes them (asm/sigcontext.h).
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <cstring>

namespace test {

// As a kernel gives them: the instruction length bit is set.
inline constexpr uint64_t esr_data_abort = 0x9200'0007, esr_instruction_abort = 0x8200'0007,
                          esr_system_error = 0xbe00'0000, esr_wrote = 1 << 6, esr_cache_maintenance = 1 << 8;

inline constexpr uint32_t fpsimd_magic = 0x4650'8001, esr_magic = 0x4553'5201;

inline ucontext_t context_at(uintptr_t pc) {
  ucontext_t context;
  memset(&context, 0, sizeof context);
  context.uc_mcontext.pc = pc;
  return context;
}

inline void put_record(ucontext_t& context, size_t at, uint32_t magic, uint32_t size, uint64_t payload = 0) {
  unsigned char* const record = context.uc_mcontext.__reserved + at;
  memcpy(record, &magic, sizeof magic);
  memcpy(record + 4, &size, sizeof size);
  memcpy(record + 8, &payload, sizeof payload);
}

// Behind the record of the vector registers, where the kernel has it.
inline void add_syndrome(ucontext_t& context, uint64_t esr) {
  constexpr uint32_t fpsimd_size = 528, esr_size = 16;
  put_record(context, 0, fpsimd_magic, fpsimd_size);
  put_record(context, fpsimd_size, esr_magic, esr_size, esr);
}

}  // namespace test
