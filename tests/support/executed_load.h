// SPDX-License-Identifier: MIT
//
// Loads as the processor executes them, against machine_state::complete_load. Each is put in front of a trap,
// and is given known registers by returning from a signal; the trap's handler has what became of them.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "context.h"
#include "support/child.h"

namespace test {

// What all registers that can address memory have: multiples of it, as base and index make them, are
// readable, with displacements from -256 to `displacement` + 256, and so is the displacement itself, and the
// code's address with it.
constexpr uintptr_t everywhere = uintptr_t{1} << 36;
constexpr uintptr_t displacement = 0x20000;
constexpr unsigned char content = 0x9b;  // negative

// Machine: fill(ucontext_t&, uint64_t), what it has; trap(char*) writes one; registers(const ucontext_t&),
// all that a load may change, the program counter last, as the trap reports it; passed(ucontext_t&), how far
// it reports itself.
template <class Machine>
class executed_loads {
 public:
  executed_loads() {
    for (const unsigned times : {1, 2, 3, 4, 5, 8, 9}) make_readable(times * everywhere - 0x10000);
    make_readable(displacement - 0x10000);
    code_ = static_cast<unsigned char*>(mmap(reinterpret_cast<void*>(everywhere * 16), displacement + 0x20000,
                                             PROT_READ | PROT_WRITE | PROT_EXEC,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    CHILD_CHECK(code_ != MAP_FAILED);
    memset(code_, content, displacement + 0x20000);
    self() = this;
    static unsigned char g_stack[1 << 16];
    stack_t stack{};
    stack.ss_sp = g_stack;
    stack.ss_size = sizeof g_stack;
    CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    action.sa_sigaction = [](int, siginfo_t*, void* context) {
      self()->trapped(*static_cast<ucontext_t*>(context));
    };
    sigfillset(&action.sa_mask);
    CHILD_CHECK(sigaction(SIGTRAP, &action, nullptr) == 0);
    CHILD_CHECK(sigaction(SIGUSR1, &action, nullptr) == 0);
  }

  void add(const std::vector<unsigned char>& instruction) { all_.push_back(instruction); }
  // Ends the process where one differs. Returns how many there were.
  size_t run() {
    raise(SIGUSR1);
    CHILD_CHECK(next_ == all_.size() + 1);
    return all_.size();
  }

 private:
  static executed_loads*& self() {
    static executed_loads* g_self;
    return g_self;
  }
  static void make_readable(uintptr_t at) {
    void* const memory = mmap(reinterpret_cast<void*>(at), displacement + 0x20000, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHILD_CHECK(memory == reinterpret_cast<void*>(at));
    memset(memory, content, displacement + 0x20000);
  }

  void trapped(ucontext_t& context) {
    if (next_ == 0) {
      before_ = context;  // of raise
    } else {
      const auto found = Machine::registers(context);
      if (found != wanted_) fail();
    }
    if (next_ < all_.size()) {
      prepare(context);
    } else {
      context.uc_mcontext = before_.uc_mcontext;
    }
    ++next_;
  }
  void prepare(ucontext_t& context) {
    const std::vector<unsigned char>& instruction = all_[next_];
    memcpy(code_, instruction.data(), instruction.size());
    Machine::trap(code_ + instruction.size());
    __builtin___clear_cache(reinterpret_cast<char*>(code_), reinterpret_cast<char*>(code_) + 64);
    Machine::fill(context, everywhere);
    nosigbus::arch::machine_state state(&context);
    state.set_pc(reinterpret_cast<uintptr_t>(code_));
    const auto start = context.uc_mcontext;
    uint64_t value;
    memset(&value, content, sizeof value);
    if (!state.complete_load(value)) fail();
    state.set_pc(state.pc() + Machine::passed);
    wanted_ = Machine::registers(context);
    context.uc_mcontext = start;
  }
  void fail() const {
    dprintf(2, "differs:");
    for (const unsigned char byte : all_[next_ == 0 ? 0 : next_ - 1]) dprintf(2, " %02x", byte);
    dprintf(2, "; then:");
    if (next_ < all_.size()) {
      for (const unsigned char byte : all_[next_]) dprintf(2, " %02x", byte);
    }
    dprintf(2, "\n");
    _exit(98);
  }

  std::vector<std::vector<unsigned char>> all_;
  size_t next_ = 0;
  unsigned char* code_;
  ucontext_t before_;
  decltype(Machine::registers(std::declval<ucontext_t&>())) wanted_;
};

}  // namespace test
