// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/backtrace/inside/collect.h>
#include <src/backtrace/inside/expression.h>

namespace nosigbus::backtrace {

constinit std::atomic<work_spaces*> g_work_spaces{nullptr};

namespace {

// Null where all are in use.
class borrowed_space {
 public:
  borrowed_space() : all_(g_work_spaces.load(std::memory_order_acquire)) {
    if (all_ == nullptr) return;
    uint32_t taken = all_->taken.load(std::memory_order_relaxed);
    while (~taken != 0) {
      bit_ = ~taken & (taken + 1);
      if (all_->taken.compare_exchange_weak(taken, taken | bit_, std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
        space_ = &all_->spaces[__builtin_ctz(bit_)];
        return;
      }
    }
  }
  ~borrowed_space() {
    if (space_ != nullptr) all_->taken.fetch_and(~bit_, std::memory_order_release);
  }
  borrowed_space(const borrowed_space&) = delete;
  borrowed_space& operator=(const borrowed_space&) = delete;

  work_space* get() const { return space_; }

 private:
  work_spaces* all_;
  uint32_t bit_ = 0;
  work_space* space_ = nullptr;
};

bool find_cfa(work_space& at, uintptr_t* cfa) {
  const cfi_row& row = at.rules.row();
  if (row.cfa_expression != nullptr) {
    return expression(at.memory, at.code, at.registers).value(row.cfa_expression, nullptr, cfa);
  }
  if (row.cfa_register >= arch::unwind_columns) return false;
  *cfa = at.registers[row.cfa_register] + static_cast<uintptr_t>(row.cfa_offset);
  return true;
}

// Whether the caller's register could be found; what is lost counts as 0.
bool recover(work_space& at, uintptr_t cfa, unsigned column, uintptr_t* out) {
  const cfi_rule& rule = at.rules.row().rules[column];
  const uintptr_t offset = static_cast<uintptr_t>(rule.offset);
  switch (rule.kind) {
    case cfi_rule::same:
      *out = column == arch::unwind_sp ? cfa : at.registers[column];
      return true;
    case cfi_rule::undefined:
      *out = 0;
      return true;
    case cfi_rule::at_cfa:
      return at.memory.read(cfa + offset, out);
    case cfi_rule::is_cfa:
      *out = cfa + offset;
      return true;
    case cfi_rule::in_register:
      if (offset >= arch::unwind_columns) return false;
      *out = at.registers[offset];
      return true;
    case cfi_rule::at_expression:
      return expression(at.memory, at.code, at.registers).value(rule.expression, &cfa, out) &&
             at.memory.read(*out, out);
    case cfi_rule::is_expression:
      return expression(at.memory, at.code, at.registers).value(rule.expression, &cfa, out);
  }
  return false;
}

// From a frame to its caller's. *pc: where the frame goes on, the caller then. within: an instruction of the
// frame. False: there is no caller.
bool step(work_space& at, uintptr_t within, uintptr_t* pc) {
  uintptr_t cfa;
  if (!find_cfi(at.code, within, at.entry) || !at.rules.find(at.entry, within) || !find_cfa(at, &cfa))
    return false;
  const uint64_t column = at.entry.return_column;
  if (column >= arch::unwind_columns) return false;
  // On the stack in all but leaf functions of some machines; otherwise nobody called this one.
  if (at.rules.row().rules[column].kind == cfi_rule::same && !arch::return_address_in_register) return false;
  for (unsigned i = 0; i < arch::unwind_columns; ++i) {
    if (!recover(at, cfa, i, &at.callers[i])) return false;
  }
  const bool same_stack = cfa == at.registers[arch::unwind_sp];
  memcpy(at.registers, at.callers, sizeof at.registers);
  const uintptr_t before = *pc;
  *pc = arch::plain_return_address(at.callers[column]);
  // A leaf function need not have a frame; nothing at all to tell it from its caller is a circle.
  return *pc != 0 && (*pc != before || !same_stack);
}

}  // namespace

size_t collect(void* ucontext, uintptr_t* chain, size_t most) {
  if (most == 0) return 0;
  const borrowed_space borrowed;
  work_space* const at = borrowed.get();
  uintptr_t unused[arch::unwind_columns];
  uintptr_t pc = arch::unwind_begin(ucontext, at == nullptr ? unused : at->registers);
  chain[0] = pc;
  if (at == nullptr) return 1;
  at->memory.begin();
  at->code.begin(at->memory);
  // A return address can be behind the function's end, where the call was its last instruction.
  bool interrupted = true;
  size_t length = 1;
  while (length < most && step(*at, interrupted ? pc : pc - 1, &pc)) {
    interrupted = at->entry.signal_frame;
    chain[length++] = interrupted ? pc + 1 : pc;
  }
  return length;
}

}  // namespace nosigbus::backtrace
