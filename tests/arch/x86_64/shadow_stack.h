// SPDX-License-Identifier: MIT
//
// A shadow stack for a traced process whose processor, or kernel, has none: calls, returns, rdsspq and
// incsspq as in "Control-flow Enforcement Technology" of Intel's Software Developer's Manual, volume 1;
// signals as in Documentation/arch/x86/shstk.rst of Linux. The process is stepped through, instruction by
// instruction.
#pragma once

#include <support/traced.h>

#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "stepping.h"

namespace test {

class shadow_stack {
 public:
  // Of a process that stands still. Calls that have begun may return, and have no entries.
  explicit shadow_stack(traced& process) : process_(process) {}

  // To the end of the process. None, if it met a control protection fault; it is killed then.
  std::optional<outcome> run() {
    for (;;) {
      const position before = now();
      const unsigned char* const code = code_at(before.pc());
      if (!emulate(before.registers(), code) && !step(before, code)) return {};
      if (ended_) return process_.how();
      if (overrun_) return {};
    }
  }
  // Entries that incsspq has taken off.
  size_t discarded() const { return discarded_; }

 private:
  // Where it is, as the process is told. It need not be memory: only the processor reads it.
  static constexpr uint64_t bottom = uint64_t{1} << 46;
  static constexpr uint64_t token_mark = uint64_t{1} << 63;
  static constexpr size_t longest_instruction = 15;

  uint64_t pointer() const { return bottom - 8 * entries_.size(); }

  position now() const { return position(process_.id()); }
  uint64_t word_at(uint64_t address) const {
    return static_cast<uint64_t>(ptrace(PTRACE_PEEKDATA, process_.id(), address, nullptr));
  }
  const unsigned char* code_at(uint64_t pc) {
    const uint64_t words[] = {word_at(pc), word_at(pc + 8)};
    memcpy(code_, words, longest_instruction);
    return code_;
  }

  // Of the instructions that processors without shadow stacks do not have, or pass over: done, and passed.
  bool emulate(user_regs_struct all, const unsigned char* code) {
    const bool wide = code[0] == 0xf3 && (code[1] & 0xfe) == 0x48 && code[2] == 0x0f && code[4] >> 6 == 3;
    const unsigned operation = (code[4] >> 3) & 7;
    const bool reads = wide && code[3] == 0x1e && operation == 1,
               adds = wide && code[3] == 0xae && operation == 5;
    if (!reads && !adds) return false;
    unsigned long long& operand = general(all, (code[4] & 7) + 8 * (code[1] & 1));
    if (reads) operand = pointer();
    if (adds) discard(operand & 0xff);
    all.rip += 5;
    ptrace(PTRACE_SETREGS, process_.id(), nullptr, &all);
    return true;
  }
  static unsigned long long& general(user_regs_struct& all, unsigned number) {
    unsigned long long* const by_number[] = {&all.rax, &all.rcx, &all.rdx, &all.rbx, &all.rsp, &all.rbp,
                                             &all.rsi, &all.rdi, &all.r8,  &all.r9,  &all.r10, &all.r11,
                                             &all.r12, &all.r13, &all.r14, &all.r15};
    return *by_number[number];
  }
  void discard(size_t count) {
    overrun_ = count > entries_.size();
    if (overrun_) return;
    entries_.resize(entries_.size() - count);
    discarded_ += count;
  }

  // False: the processor faults instead.
  bool step(const position& before, const unsigned char* code) {
    while (is_prefix(*code)) ++code;
    if ((*code == 0xc3 || *code == 0xc2) && !pop(word_at(before.registers().rsp))) return false;
    if (before.leaves_handler() && !pop_signal()) return false;
    const bool calls = *code == 0xe8 || (*code == 0xff && ((code[1] >> 3) & 7) == 2);
    const traced::stop why = process_.step();
    if (calls && why == traced::stop::instruction) entries_.push_back(word_at(now().registers().rsp));
    if (why == traced::stop::signal) enter_handler();
    if (why == traced::stop::end) ended_ = true;
    return true;
  }
  static bool is_prefix(unsigned char byte) {
    constexpr std::string_view others = "\x66\x67\x26\x2e\x36\x3e\x64\x65\xf0\xf2\xf3";
    return (byte & 0xf0) == 0x40 || others.find(static_cast<char>(byte)) != std::string_view::npos;
  }
  bool pop(uint64_t expected) {
    if (entries_.empty()) return true;
    const bool agrees = entries_.back() == expected;
    entries_.pop_back();
    return agrees;
  }

  // The signal is delivered: the handler's first instruction is next. Where the stack was, and who is
  // returned to.
  void enter_handler() {
    const uint64_t interrupted = pointer();
    if (process_.step() != traced::stop::instruction) {
      ended_ = true;
      return;
    }
    entries_.push_back(interrupted | token_mark);
    entries_.push_back(word_at(now().registers().rsp));
  }
  bool pop_signal() {
    if (entries_.empty() || entries_.back() != (token_mark | (pointer() + 8))) return false;
    entries_.pop_back();
    return true;
  }

  traced& process_;
  std::vector<uint64_t> entries_;
  unsigned char code_[16] = {};
  size_t discarded_ = 0;
  bool ended_ = false, overrun_ = false;
};

}  // namespace test
