// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// DWARF 5, 6.4.2 "Call Frame Instructions", with those that gcc and clang add.
#include <src/backtrace/inside/cfi_rules.h>

namespace nosigbus::backtrace {

namespace {

// DW_CFA_*: operand in the low six bits.
enum : unsigned { advance_loc = 0x40, offset_in_op = 0x80, restore_in_op = 0xc0 };

enum : unsigned {
  op_nop = 0x00,
  op_advance_1 = 0x02,
  op_advance_2 = 0x03,
  op_advance_4 = 0x04,
  op_offset = 0x05,
  op_restore = 0x06,
  op_undefined = 0x07,
  op_same_value = 0x08,
  op_register = 0x09,
  op_remember = 0x0a,
  op_restore_state = 0x0b,
  op_def_cfa = 0x0c,
  op_def_cfa_register = 0x0d,
  op_def_cfa_offset = 0x0e,
  op_def_cfa_expression = 0x0f,
  op_expression = 0x10,
  op_offset_signed = 0x11,
  op_def_cfa_signed = 0x12,
  op_def_cfa_offset_signed = 0x13,
  op_val_offset = 0x14,
  op_val_offset_signed = 0x15,
  op_val_expression = 0x16,
  op_toggle_signing = 0x2d,  // aarch64; stripping an address that is not signed changes nothing
  op_gnu_args_size = 0x2e
};

int64_t as_signed(uint64_t value) { return static_cast<int64_t>(value); }

}  // namespace

bool cfi_rules::find(const cfi_entry& entry, uintptr_t pc) {
  entry_ = &entry;
  remembered_count_ = 0;
  row_ = {};
  location_ = entry.begin;
  if (!run(entry.initial, ~uintptr_t{0})) return false;
  initial_ = row_;
  location_ = entry.begin;
  return run(entry.instructions, pc);
}

void cfi_rules::set(uint64_t column, cfi_rule rule) {
  if (column < arch::unwind_columns) row_.rules[column] = rule;  // others are nobody's way back
}

void cfi_rules::set_expression(cfi_rule::how kind, cfi_reader& program) {
  const uint64_t column = program.uleb();
  set(column, {kind, 0, program.at()});
  program.block();
}

void cfi_rules::restore(uint64_t column) {
  if (column < arch::unwind_columns) row_.rules[column] = initial_.rules[column];
}

// Whether the program goes on: the next rows are not behind pc.
bool cfi_rules::advance(uint64_t delta, uintptr_t pc) {
  location_ += delta * entry_->code_factor;
  return location_ <= pc;
}

// What changes the CFA; false: another operation.
bool cfi_rules::cfa_operation(unsigned op, cfi_reader& program) {
  switch (op) {
    case op_def_cfa:
      row_.cfa_register = program.uleb();
      row_.cfa_offset = as_signed(program.uleb());
      break;
    case op_def_cfa_signed:
      row_.cfa_register = program.uleb();
      row_.cfa_offset = program.sleb() * entry_->data_factor;
      break;
    case op_def_cfa_register:
      row_.cfa_register = program.uleb();
      break;
    case op_def_cfa_offset:
      row_.cfa_offset = as_signed(program.uleb());
      return true;  // of the register: an expression has none
    case op_def_cfa_offset_signed:
      row_.cfa_offset = program.sleb() * entry_->data_factor;
      return true;
    case op_def_cfa_expression:
      row_.cfa_expression = program.at();
      program.block();
      return true;
    default:
      return false;
  }
  row_.cfa_expression = nullptr;
  return true;
}

// What changes a register's rule; false: another operation.
bool cfi_rules::register_operation(unsigned op, cfi_reader& program) {
  const auto column_and = [&](cfi_rule::how kind, bool is_signed) {
    const uint64_t column = program.uleb();
    const int64_t value = is_signed ? program.sleb() : as_signed(program.uleb());
    set(column, {kind, kind == cfi_rule::in_register ? value : value * entry_->data_factor, nullptr});
  };
  switch (op) {
    case op_offset:
    case op_offset_signed:
      column_and(cfi_rule::at_cfa, op == op_offset_signed);
      return true;
    case op_val_offset:
    case op_val_offset_signed:
      column_and(cfi_rule::is_cfa, op == op_val_offset_signed);
      return true;
    case op_register:
      column_and(cfi_rule::in_register, false);
      return true;
    case op_restore:
      restore(program.uleb());
      return true;
    case op_undefined:
      set(program.uleb(), {cfi_rule::undefined, 0, nullptr});
      return true;
    case op_same_value:
      set(program.uleb(), {});
      return true;
    case op_expression:
      set_expression(cfi_rule::at_expression, program);
      return true;
    case op_val_expression:
      set_expression(cfi_rule::is_expression, program);
      return true;
    default:
      return false;
  }
}

// Whether the operation is known, and possible.
bool cfi_rules::extended(unsigned op, cfi_reader& program) {
  if (cfa_operation(op, program) || register_operation(op, program)) return true;
  switch (op) {
    case op_nop:
    case op_toggle_signing:
      return true;
    case op_gnu_args_size:
      program.uleb();
      return true;
    case op_remember:
      if (remembered_count_ == most_remembered) return false;
      remembered_[remembered_count_++] = row_;
      return true;
    case op_restore_state:
      if (remembered_count_ == 0) return false;
      row_ = remembered_[--remembered_count_];
      return true;
    default:
      return false;
  }
}

bool cfi_rules::run(cfi_reader program, uintptr_t pc) {
  while (program.more()) {
    const unsigned op = program.fixed<unsigned char>(), operand = op & 0x3f;
    switch (op & 0xc0) {
      case advance_loc:
        if (!advance(operand, pc)) return true;
        continue;
      case offset_in_op:
        set(operand, {cfi_rule::at_cfa, as_signed(program.uleb()) * entry_->data_factor, nullptr});
        continue;
      case restore_in_op:
        restore(operand);
        continue;
      default:
        break;
    }
    uint64_t delta = 0;
    switch (op) {
      case op_advance_1:
        delta = program.fixed<uint8_t>();
        break;
      case op_advance_2:
        delta = program.fixed<uint16_t>();
        break;
      case op_advance_4:
        delta = program.fixed<uint32_t>();
        break;
      default:
        if (!extended(op, program)) return false;
        continue;
    }
    if (!advance(delta, pc)) return true;
  }
  return program.good();
}

}  // namespace nosigbus::backtrace
