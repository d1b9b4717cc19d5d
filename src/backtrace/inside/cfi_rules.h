// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// What unwind information says of one instruction: how the caller's registers are found.
#pragma once

#include <src/backtrace/inside/cfi_find.h>
#include <unwind_registers.h>

namespace nosigbus::backtrace {

struct cfi_rule {
  enum how : uint8_t {
    same,           // unchanged
    undefined,      // lost
    at_cfa,         // in memory, at CFA + offset
    is_cfa,         // CFA + offset
    in_register,    // in register `offset`
    at_expression,  // in memory, at what the expression gives
    is_expression   // what the expression gives
  };
  how kind = same;
  int64_t offset = 0;
  const unsigned char* expression = nullptr;  // its length in front
};

struct cfi_row {
  // The CFA (the caller's stack pointer): by expression, or a register and an offset.
  const unsigned char* cfa_expression;
  uint64_t cfa_register;
  int64_t cfa_offset;
  cfi_rule rules[arch::unwind_columns];
};

// Runs the programs of unwind information.
class cfi_rules {
 public:
  // Whether the row of pc was found.
  bool find(const cfi_entry& entry, uintptr_t pc);
  const cfi_row& row() const { return row_; }

 private:
  static constexpr unsigned most_remembered = 4;

  bool run(cfi_reader program, uintptr_t pc);
  bool advance(uint64_t delta, uintptr_t pc);
  bool extended(unsigned op, cfi_reader& program);
  bool cfa_operation(unsigned op, cfi_reader& program);
  bool register_operation(unsigned op, cfi_reader& program);
  void set(uint64_t column, cfi_rule rule);
  void set_expression(cfi_rule::how kind, cfi_reader& program);
  void restore(uint64_t column);

  const cfi_entry* entry_;
  uintptr_t location_;
  unsigned remembered_count_;
  cfi_row row_, initial_, remembered_[most_remembered];
};

}  // namespace nosigbus::backtrace
