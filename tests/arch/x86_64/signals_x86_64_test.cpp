// SPDX-License-Identifier: MIT
//
// x86_64: the faults that only this machine has, and registers: those that a previous handler sees and
// changes, and those of code that goes on after a fault was absorbed.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>

#include <cstring>
#include <string>

#include "support/chain_fixture.h"
#include "support/no_tsan.h"

namespace {

using namespace test;

// The instruction that faults is three bytes long in each of these, four with a displacement.
using fault_function = void (*)();

// EFLAGS.AC. The red zone is the compiler's.
inline void set_alignment_check(bool on) {
  if (on) {
    asm volatile("lea -128(%%rsp), %%rsp\n\tpushf\n\torl $0x40000, (%%rsp)\n\tpopf\n\tlea 128(%%rsp), %%rsp"
                 :
                 :
                 : "memory", "cc");
  } else {
    asm volatile("lea -128(%%rsp), %%rsp\n\tpushf\n\tandl $~0x40000, (%%rsp)\n\tpopf\n\tlea 128(%%rsp), %%rsp"
                 :
                 :
                 : "memory", "cc");
  }
}

alignas(8) unsigned char g_bytes[32];

// #AC: SIGBUS, BUS_ADRALN, no address.
void misaligned() {
  set_alignment_check(true);
  asm volatile("mov (%0), %%rcx" : : "r"(g_bytes + 1) : "rcx", "memory");
  set_alignment_check(false);
}

// #SS: SIGBUS, SI_KERNEL, no address.
void non_canonical_stack() {
  asm volatile("push %%rbp\n\tmov %0, %%rbp\n\tmov 0(%%rbp), %%cl\n\tpop %%rbp"
               :
               : "r"(uintptr_t{0x8000'0000'0000'0000})
               : "rcx", "memory");
}

// #GP: SIGSEGV, SI_KERNEL, no address.
void non_canonical() {
  asm volatile("mov (%0), %%rcx" : : "r"(uintptr_t{0x8000'0000'0000'0000}) : "rcx", "memory");
}

struct machine_fault {
  std::string name;
  fault_function raise;
  int signo, code;
};
const machine_fault machine_faults[] = {
    {"misaligned", misaligned, SIGBUS, BUS_ADRALN},
    {"non-canonical, by the stack segment", non_canonical_stack, SIGBUS, SI_KERNEL},
    {"non-canonical", non_canonical, SIGSEGV, SI_KERNEL},
};

// What the handler saw, in memory that outlives the child. Compared as bytes.
struct sight {
  int64_t calls, signo, code;
  uint64_t address;
  gregset_t registers;
};
sight* g_sight = nullptr;

void skip_instruction(int signo, siginfo_t* info, void* ucontext) {
  set_alignment_check(false);  // the kernel leaves it on: what nosigbus does before must be aligned
  auto& context = *static_cast<ucontext_t*>(ucontext);
  ++g_sight->calls;
  g_sight->signo = signo;
  g_sight->code = info->si_code;
  g_sight->address = reinterpret_cast<uintptr_t>(info->si_addr);
  memcpy(g_sight->registers, context.uc_mcontext.gregs, sizeof g_sight->registers);
  const auto* const at = reinterpret_cast<const unsigned char*>(context.uc_mcontext.gregs[REG_RIP]);
  context.uc_mcontext.gregs[REG_RIP] += at[0] == 0x8a || at[0] == 0x48 || at[0] == 0x49 ? 3 : 1000;
}

enum class front { kernel_alone, installed, installed_with_segv };

void prepare(front who) {
  if (who == front::kernel_alone) return;
  CHILD_CHECK(nosigbus_install(who == front::installed_with_segv ? NOSIGBUS_CATCH_SEGV : 0) == 0);
}

sight look(const machine_fault& fault, front who) {
  auto* const memory = static_cast<sight*>(
      mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  g_sight = memory;
  CHECK(in_child([&] {
          install_handler(SIGBUS, skip_instruction, 0);
          install_handler(SIGSEGV, skip_instruction, 0);
          prepare(who);
          fault.raise();
          return 0;
        }) == exited(0));
  sight result = *memory;
  munmap(memory, page_size());
  // What the program's earlier calls left in them, and the address of some earlier page fault.
  for (int i = REG_R8; i <= REG_RCX; ++i) result.registers[i] = 0;
  result.registers[REG_EFL] = result.registers[REG_CR2] = 0;
  return result;
}

}  // namespace

TEST_CASE("Machine faults that are no missing pages reach the previous handler, which can skip them" NO_TSAN(
    "misaligned itself, it dies of EFLAGS.AC")) {
  for (const machine_fault& fault : machine_faults) {
    INFO(fault.name);
    const sight model = look(fault, front::kernel_alone);
    CHECK(model.calls == 1);
    CHECK(model.signo == fault.signo);
    CHECK(model.code == fault.code);
    for (const front who : {front::installed, front::installed_with_segv}) {
      const sight subject = look(fault, who);
      CHECK(memcmp(&model, &subject, sizeof model) == 0);
    }
  }
}

TEST_CASE("Machine faults that are no missing pages kill under SIG_DFL and SIG_IGN") {
  for (const machine_fault& fault : machine_faults) {
    for (void (*const action)(int) : {SIG_DFL, SIG_IGN}) {
      for (const front who : {front::kernel_alone, front::installed, front::installed_with_segv}) {
        INFO(fault.name, ", ", static_cast<int>(who));
        CHECK(in_child([&] {
                signal(SIGBUS, action);
                signal(SIGSEGV, action);
                prepare(who);
                fault.raise();
                return 0;
              }) == killed_by(fault.signo));
      }
    }
  }
}

TEST_CASE("A guarded operation that is misaligned where that is checked dies of it") {
  for (const bool check : {false, true}) {
    CHECK(in_child([=] {
            signal(SIGBUS, SIG_DFL);
            prepare(front::installed_with_segv);
            unsigned char bytes[8];
            nosigbus_safe_read(bytes, g_bytes, sizeof bytes);  // binds the symbol
            set_alignment_check(check);
            nosigbus_safe_read(bytes, g_bytes + 1, sizeof bytes);
            set_alignment_check(false);
            return 0;
          }) == (check ? killed_by(SIGBUS) : exited(0)));
  }
}

TEST_CASE("A guarded operation survives a non-canonical address with NOSIGBUS_CATCH_SEGV only") {
  const auto* const wild = reinterpret_cast<const char*>(0x8000'0000'0000'0000);
  const auto read_wild = [=](front who) {
    return in_child([=] {
      signal(SIGSEGV, SIG_DFL);
      signal(SIGBUS, SIG_DFL);
      prepare(who);
      char bytes[32];
      CHILD_CHECK(nosigbus_safe_read(bytes, wild, sizeof bytes) == 0);
      CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_UNMAPPED);
      CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(wild));
      return 0;
    });
  };
  CHECK(read_wild(front::installed_with_segv) == exited(0));
  CHECK(read_wild(front::installed) == killed_by(SIGSEGV));
}

namespace {

// All general registers but the stack pointer, and two vector registers: before and after one load.
struct machine_registers {
  uint64_t general[14];
  uint64_t vector[4];
  uint64_t flags;
};

// Fills the registers, loads a byte from `at` into none of them, and stores what they are then.
void load_between(const volatile unsigned char* at, const machine_registers& before,
                  machine_registers& after) {
  struct {
    const machine_registers* before;
    machine_registers* after;
    const volatile unsigned char* at;
  } frame{&before, &after, at};
  asm volatile(
      "lea -128(%%rsp), %%rsp\n\tpush %%rbp\n\tpush %%rbx\n\t"
      "mov 0(%%rbx), %%r15\n\tmov 16(%%rbx), %%rbp\n\t"
      "movups 112(%%r15), %%xmm0\n\tmovups 128(%%r15), %%xmm15\n\t"
      "mov 0(%%r15), %%rax\n\tmov 8(%%r15), %%rbx\n\tmov 16(%%r15), %%rcx\n\tmov 24(%%r15), %%rdx\n\t"
      "mov 32(%%r15), %%rsi\n\tmov 40(%%r15), %%rdi\n\tmov 48(%%r15), %%r8\n\tmov 56(%%r15), %%r9\n\t"
      "mov 64(%%r15), %%r10\n\tmov 72(%%r15), %%r11\n\tmov 80(%%r15), %%r12\n\tmov 88(%%r15), %%r13\n\t"
      "mov 96(%%r15), %%r14\n\tmov 104(%%r15), %%r15\n\t"
      "stc\n\t"
      "test %%al, (%%rbp)\n\t"  // the fault; sets the flags by the byte, which is zero
      "pushf\n\tpush %%r15\n\tmov 16(%%rsp), %%r15\n\tmov 8(%%r15), %%r15\n\t"
      "mov %%rax, 0(%%r15)\n\tmov %%rbx, 8(%%r15)\n\tmov %%rcx, 16(%%r15)\n\tmov %%rdx, 24(%%r15)\n\t"
      "mov %%rsi, 32(%%r15)\n\tmov %%rdi, 40(%%r15)\n\tmov %%r8, 48(%%r15)\n\tmov %%r9, 56(%%r15)\n\t"
      "mov %%r10, 64(%%r15)\n\tmov %%r11, 72(%%r15)\n\tmov %%r12, 80(%%r15)\n\tmov %%r13, 88(%%r15)\n\t"
      "mov %%r14, 96(%%r15)\n\tmovups %%xmm0, 112(%%r15)\n\tmovups %%xmm15, 128(%%r15)\n\t"
      "pop %%rax\n\tmov %%rax, 104(%%r15)\n\tpop %%rax\n\tmov %%rax, 144(%%r15)\n\t"
      "pop %%rbx\n\tpop %%rbp\n\tlea 128(%%rsp), %%rsp"
      :
      : "b"(&frame)
      : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
        "xmm15", "memory", "cc");
}

}  // namespace

TEST_CASE("Code that goes on after an absorbed fault has its registers") {
  CHECK(in_child([] {
          signal(SIGBUS, SIG_DFL);
          CHILD_CHECK(nosigbus_install(0) == 0);
          const missing_page m;
          machine_registers before{}, after{};
          for (size_t i = 0; i < 14; ++i) before.general[i] = 0x1111'1111'1111'1111 * (i + 1);
          for (size_t i = 0; i < 4; ++i) before.vector[i] = 0xfedc'ba98'7654'3210 + i;
          load_between(m.guarded, before, after);
          CHILD_CHECK(memcmp(before.general, after.general, sizeof before.general) == 0);
          CHILD_CHECK(memcmp(before.vector, after.vector, sizeof before.vector) == 0);
          constexpr uint64_t zero_flag = 0x40, carry_flag = 1;
          CHILD_CHECK((after.flags & (zero_flag | carry_flag)) == zero_flag);
          struct nosigbus_stats stats;
          CHILD_CHECK(nosigbus_stats(&stats, sizeof stats) == 0);
          CHILD_CHECK(stats.absorbed_by_region == 1);
          return 0;
        }) == exited(0));
}

namespace {

// Fills the red zone, loads a byte, and counts the words of the red zone that are not what they were.
uint64_t red_zone_changes(const volatile unsigned char* at) {
  uint64_t changed = 0;
  asm volatile(
      "lea -256(%%rsp), %%rsp\n\t"  // away from the compiler's own
      "mov $-128, %%rcx\n"
      "1:\tmov %%rcx, (%%rsp, %%rcx)\n\tadd $8, %%rcx\n\tjnz 1b\n\t"
      "movb (%[at]), %%al\n\t"
      "mov $-128, %%rcx\n"
      "2:\tcmp %%rcx, (%%rsp, %%rcx)\n\tje 3f\n\tinc %[changed]\n"
      "3:\tadd $8, %%rcx\n\tjnz 2b\n\t"
      "lea 256(%%rsp), %%rsp"
      : [changed] "+&r"(changed)
      : [at] "r"(at)
      : "rax", "rcx", "memory", "cc");
  return changed;
}

void* g_bad_page = nullptr;

void repair(int, siginfo_t*, void*) {
  mmap(g_bad_page, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

}  // namespace

TEST_CASE("The red zone survives a fault that was absorbed, and one that a previous handler repaired") {
  for (const bool alternate : {false, true}) {
    for (const int flags : {0, SA_ONSTACK}) {
      CAPTURE(alternate);
      CAPTURE(flags);
      CHECK(in_child([=] {
              set_alternate_stack(alternate);
              install_handler(SIGBUS, repair, flags);
              CHILD_CHECK(nosigbus_install(0) == 0);
              const missing_page m;
              g_bad_page = m.foreign;
              CHILD_CHECK(red_zone_changes(m.guarded) == 0);
              CHILD_CHECK(red_zone_changes(m.foreign) == 0);
              return 0;
            }) == exited(0));
    }
  }
}
