// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// DWARF 5, 2.5.1 and 7.7.1. Operations of objects, types and entry values have no meaning in unwind
// information, and end the chain.
#include <src/backtrace/inside/expression.h>

namespace nosigbus::backtrace {

namespace {

enum : unsigned {
  op_addr = 0x03,
  op_deref = 0x06,
  op_const_first = 0x08,
  op_constu = 0x10,
  op_consts = 0x11,
  op_dup = 0x12,
  op_drop = 0x13,
  op_over = 0x14,
  op_swap = 0x16,
  op_and = 0x1a,
  op_minus = 0x1c,
  op_mul = 0x1e,
  op_neg = 0x1f,
  op_not = 0x20,
  op_or = 0x21,
  op_plus = 0x22,
  op_plus_uconst = 0x23,
  op_shl = 0x24,
  op_shr = 0x25,
  op_shra = 0x26,
  op_xor = 0x27,
  op_bra = 0x28,
  op_eq = 0x29,
  op_ge = 0x2a,
  op_gt = 0x2b,
  op_le = 0x2c,
  op_lt = 0x2d,
  op_ne = 0x2e,
  op_skip = 0x2f,
  op_lit0 = 0x30,
  op_lit31 = 0x4f,
  op_breg0 = 0x70,
  op_breg31 = 0x8f,
  op_bregx = 0x92,
  op_nop = 0x96
};

int64_t as_signed(uintptr_t value) { return static_cast<int64_t>(value); }
uintptr_t as_word(int64_t value) { return static_cast<uintptr_t>(value); }

}  // namespace

bool expression::value(const unsigned char* encoded, const uintptr_t* first, uintptr_t* out) {
  constexpr size_t longest = 10;  // of a length

  cfi_reader front(code_, encoded, encoded + longest);
  const uint64_t length = front.uleb();
  count_ = 0;
  if (first != nullptr) push(*first);
  cfi_reader program(code_, front.at(), front.at() + length);
  if (!front.good() || !run(program, front.at()) || count_ == 0) return false;
  *out = top();
  return true;
}

bool expression::run(cfi_reader& program, const unsigned char* begin) {
  // A program can jump back.
  for (unsigned i = 0; i < most_operations; ++i) {
    if (!program.more()) return program.good();
    const unsigned op = program.fixed<unsigned char>();
    if (op == op_skip || op == op_bra) {
      const int64_t distance = program.fixed<int16_t>();
      if (op == op_bra && count_ == 0) return false;
      if (op == op_skip || stack_[--count_] != 0) program.jump(distance, begin);
      continue;
    }
    if (!constant(op, program) && !address(op, program) && !rearrange(op) && !two_operands(op) &&
        !one_operand(op, program) && op != op_nop) {
      return false;
    }
  }
  return false;
}

bool expression::constant(unsigned op, cfi_reader& program) {
  if (op >= op_lit0 && op <= op_lit31) return push(op - op_lit0);
  switch (op) {
    case op_addr:
    case op_const_first + 6:
    case op_const_first + 7:
      return push(program.fixed<uint64_t>());
    case op_const_first:
      return push(program.fixed<uint8_t>());
    case op_const_first + 1:
      return push(as_word(program.fixed<int8_t>()));
    case op_const_first + 2:
      return push(program.fixed<uint16_t>());
    case op_const_first + 3:
      return push(as_word(program.fixed<int16_t>()));
    case op_const_first + 4:
      return push(program.fixed<uint32_t>());
    case op_const_first + 5:
      return push(as_word(program.fixed<int32_t>()));
    case op_constu:
      return push(program.uleb());
    case op_consts:
      return push(as_word(program.sleb()));
    default:
      return false;
  }
}

bool expression::from_register(uint64_t column, int64_t offset) {
  return column < arch::unwind_columns && push(registers_[column] + as_word(offset));
}

bool expression::address(unsigned op, cfi_reader& program) {
  if (op >= op_breg0 && op <= op_breg31) return from_register(op - op_breg0, program.sleb());
  if (op == op_bregx) {
    const uint64_t column = program.uleb();
    return from_register(column, program.sleb());
  }
  return op == op_deref && count_ > 0 && memory_.read(top(), &top());
}

bool expression::rearrange(unsigned op) {
  switch (op) {
    case op_dup:
      return count_ > 0 && push(top());
    case op_drop:
      return count_ > 0 && count_-- > 0;
    case op_over:
      return count_ > 1 && push(top(1));
    case op_swap: {
      if (count_ < 2) return false;
      const uintptr_t value = top();
      top() = top(1);
      top(1) = value;
      return true;
    }
    default:
      return false;
  }
}

bool expression::one_operand(unsigned op, cfi_reader& program) {
  if (count_ == 0) return false;
  switch (op) {
    case op_neg:
      top() = -top();
      return true;
    case op_not:
      top() = ~top();
      return true;
    case op_plus_uconst:
      top() += program.uleb();
      return true;
    default:
      return false;
  }
}

bool expression::two_operands(unsigned op) {
  if (count_ < 2) return false;
  const uintptr_t a = top(1), b = top();
  const auto result = [this](uintptr_t value) {
    --count_;
    top() = value;
    return true;
  };
  switch (op) {
    case op_and:
      return result(a & b);
    case op_minus:
      return result(a - b);
    case op_mul:
      return result(a * b);
    case op_or:
      return result(a | b);
    case op_plus:
      return result(a + b);
    case op_shl:
      return result(b < 64 ? a << b : 0);
    case op_shr:
      return result(b < 64 ? a >> b : 0);
    case op_shra:
      return result(as_word(as_signed(a) >> (b < 64 ? b : 63)));
    case op_xor:
      return result(a ^ b);
    case op_eq:
      return result(a == b ? 1 : 0);
    case op_ge:
      return result(as_signed(a) >= as_signed(b) ? 1 : 0);
    case op_gt:
      return result(as_signed(a) > as_signed(b) ? 1 : 0);
    case op_le:
      return result(as_signed(a) <= as_signed(b) ? 1 : 0);
    case op_lt:
      return result(as_signed(a) < as_signed(b) ? 1 : 0);
    case op_ne:
      return result(a != b ? 1 : 0);
    default:
      return false;
  }
}

}  // namespace nosigbus::backtrace
