// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// DWARF expressions, as unwind information has them: signal frames, PLT entries, realigned stacks.
#pragma once

#include <src/backtrace/inside/cfi_reader.h>
#include <src/backtrace/inside/stack_memory.h>
#include <unwind_registers.h>

namespace nosigbus::backtrace {

class expression {
 public:
  expression(stack_memory& memory, code_memory& code, const uintptr_t (&registers)[arch::unwind_columns])
      : memory_(memory), code_(code), registers_(registers) {}

  // encoded: its length in front. first: what is on its stack as it begins; null for nothing. Whether it
  // has a value; then *out is it.
  bool value(const unsigned char* encoded, const uintptr_t* first, uintptr_t* out);

 private:
  static constexpr unsigned depth = 16, most_operations = 100;

  bool run(cfi_reader& program, const unsigned char* begin);
  bool constant(unsigned op, cfi_reader& program);
  bool address(unsigned op, cfi_reader& program);
  bool one_operand(unsigned op, cfi_reader& program);
  bool two_operands(unsigned op);
  bool rearrange(unsigned op);
  bool from_register(uint64_t column, int64_t offset);
  bool push(uintptr_t value) {
    if (count_ == depth) return false;
    stack_[count_++] = value;
    return true;
  }
  uintptr_t& top(unsigned below = 0) { return stack_[count_ - 1 - below]; }

  stack_memory& memory_;
  code_memory& code_;
  const uintptr_t (&registers_)[arch::unwind_columns];
  unsigned count_ = 0;
  uintptr_t stack_[depth];
};

}  // namespace nosigbus::backtrace
