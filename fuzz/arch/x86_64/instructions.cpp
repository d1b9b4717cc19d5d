// SPDX-License-Identifier: MIT
//
// What decode_load takes for a load is executed: once by complete_load, once by the processor, one
// instruction with the trap flag set. It meets nothing mapped at first; then all bytes there are the same.
#include <context.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "classify/decoders.h"
#include "support/check.h"
#include "support/features.h"

namespace fuzz {

namespace {

constexpr unsigned char content = 0x9b;  // negative
constexpr greg_t trap_flag = 0x100;
constexpr uintptr_t page = 4096, everywhere = uintptr_t{1} << 36;

class execution {
 public:
  static execution& get() {
    static execution g_only;
    return g_only;
  }

  // Where an instruction of so many bytes ends with its page: none behind it can be read.
  unsigned char* place(const unsigned char* bytes, size_t length) {
    unsigned char* const at = code_ + page - length;
    memcpy(at, bytes, length);
    return at;
  }

  void run(const unsigned char* code, input& from) {
    code_at_ = code;
    choose_registers(from);
    outcome_ = outcome::none;
    faults_ = 0;
    struct sigaction ours {
    }, before[3];
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ours.sa_sigaction = [](int signo, siginfo_t* info, void* context) {
      get().on_signal(signo, *info, *static_cast<ucontext_t*>(context));
    };
    sigfillset(&ours.sa_mask);
    for (int i = 0; i < 3; ++i) FUZZ_CHECK(sigaction(signals[i], &ours, &before[i]) == 0);
    stack_t stack{}, stack_before;
    stack.ss_sp = stack_;
    stack.ss_size = sizeof stack_;
    FUZZ_CHECK(sigaltstack(&stack, &stack_before) == 0);
    raise(SIGTRAP);
    FUZZ_CHECK(sigaltstack(&stack_before, nullptr) == 0);
    for (int i = 0; i < 3; ++i) FUZZ_CHECK(sigaction(signals[i], &before[i], nullptr) == 0);
    for (; mapped_ > 0; --mapped_) munmap(reinterpret_cast<void*>(pages_[mapped_ - 1]), page);
  }

  enum class outcome { none, executed, gave_up };
  outcome what() const { return outcome_; }
  bool met_content() const { return faults_ > 0; }
  const gregset_t& found() const { return found_; }
  const gregset_t& wanted() const { return wanted_; }

 private:
  static constexpr int signals[] = {SIGTRAP, SIGSEGV, SIGBUS};
  // Of gregset_t: what an instruction can change, and where the next one is.
  static constexpr int registers = REG_RIP;

  execution() {
    void* const memory =
        mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FUZZ_CHECK(memory != MAP_FAILED);
    code_ = static_cast<unsigned char*>(memory);
    FUZZ_CHECK(mprotect(code_ + page, page, PROT_NONE) == 0);
  }

  void choose_registers(input& from) {
    memset(start_, 0, sizeof start_);
    for (int i = 0; i < registers; ++i) {
      const uint64_t small = from.below(65536);
      constexpr uint64_t bases[] = {everywhere, 2 * everywhere, 0, everywhere - 1};
      start_[i] = static_cast<greg_t>(from.below(8) == 0 ? from.number(8) : from.pick(bases) + small);
    }
  }

  void on_signal(int signo, const siginfo_t& info, ucontext_t& context) {
    gregset_t& now = context.uc_mcontext.gregs;
    if (signo == SIGTRAP && info.si_code <= 0) {  // raise
      memcpy(before_, now, sizeof before_);
      memcpy(now, start_, registers * sizeof(greg_t));
      now[REG_RIP] = static_cast<greg_t>(reinterpret_cast<uintptr_t>(code_at_));
      now[REG_EFL] |= trap_flag;
      return;
    }
    if (signo == SIGTRAP) {
      memcpy(found_, now, sizeof found_);
      return end(now, outcome::executed);
    }
    if (faults_++ == 0) predict(context);
    if (!supply(reinterpret_cast<uintptr_t>(info.si_addr))) end(now, outcome::gave_up);
  }
  void predict(const ucontext_t& context) {
    ucontext_t copy = context;
    uint64_t value;
    memset(&value, content, sizeof value);
    FUZZ_CHECK(nosigbus::arch::machine_state(&copy).complete_load(value));
    memcpy(wanted_, copy.uc_mcontext.gregs, sizeof wanted_);
  }
  // Twice: it may lie on two pages.
  bool supply(uintptr_t address) {
    if (mapped_ == 2 || address < 0x10000) return false;
    const uintptr_t at = address & ~(page - 1);
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    void* const got = mmap(reinterpret_cast<void*>(at), page, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (got == MAP_FAILED) return false;
    pages_[mapped_++] = reinterpret_cast<uintptr_t>(got);
    memset(got, content, page);
    return true;
  }
  void end(gregset_t& now, outcome how) {
    outcome_ = how;
    memcpy(now, before_, sizeof before_);
  }

  unsigned char* code_;
  const unsigned char* code_at_ = nullptr;
  gregset_t before_, start_, found_, wanted_;
  outcome outcome_ = outcome::none;
  unsigned faults_ = 0, mapped_ = 0;
  uintptr_t pages_[2] = {};
  unsigned char stack_[1 << 18];
};

constexpr size_t most_bytes = 32;

// Prefixes and an opcode as loads have them, and anything behind; or anything at all.
void choose_instruction(input& from, unsigned char (&bytes)[most_bytes]) {
  constexpr unsigned char prefixes[] = {0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x40, 0x41,
                                        0x44, 0x45, 0x48, 0x4c, 0x4d, 0x4f, 0xf2, 0xf3, 0xf0};
  constexpr unsigned char opcodes[] = {0x8a, 0x8b, 0xa0, 0xa1, 0x63, 0x88,
                                       0x89, 0xb6, 0xb7, 0xbe, 0xbf, 0xb0};
  size_t length = 0;
  if (from.below(8) != 0) {
    for (size_t count = from.below(5); count > 0; --count) bytes[length++] = from.pick(prefixes);
    const unsigned char opcode = from.pick(opcodes);
    if (opcode >= 0xb0) bytes[length++] = 0x0f;
    bytes[length++] = opcode;
  }
  while (length < most_bytes) bytes[length++] = from.byte();
}

bool same(const nosigbus::arch::load& a, const nosigbus::arch::load& b) {
  return a.length == b.length && a.size == b.size && a.sign == b.sign && a.width == b.width &&
         a.number == b.number && a.high == b.high;
}

}  // namespace

void try_instruction(input& from) {
  unsigned char bytes[most_bytes];
  choose_instruction(from, bytes);
  const nosigbus::arch::load what = nosigbus::arch::decode_load(bytes);
  reached(22, what.length, what.size, what.sign, what.width, what.high);
  if (what.length == 0) return;
  const bool has_rex = nosigbus::arch::decoder::decode_prefixes(bytes).rex != 0;
  reached(24, what.size, what.width, what.number, what.high, has_rex);
  execution& all = execution::get();
  const unsigned char* const code = all.place(bytes, what.length);
  FUZZ_CHECK(same(nosigbus::arch::decode_load(code), what));
  all.run(code, from);
  reached(23, all.what(), all.met_content(), what.size, what.width);
  if (all.what() != execution::outcome::executed) return;
  const greg_t next = static_cast<greg_t>(reinterpret_cast<uintptr_t>(code) + what.length);
  FUZZ_CHECK_EQUAL(all.found()[REG_RIP], next);
  // Where there was something before, nobody knows what.
  if (!all.met_content()) return;
  for (int i = 0; i <= REG_RIP; ++i) FUZZ_CHECK_EQUAL(all.found()[i], all.wanted()[i]);
}

}  // namespace fuzz
