// SPDX-License-Identifier: MIT
//
// Chains against libunwind's, at every instruction of code that is stepped through by the trap flag; and from
// contexts that no code ever had.
#include <nosigbus/copy.h>
#include <sys/mman.h>
#include <ucontext.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <algorithm>
#include <random>

#include "backtrace/chains.h"
#include "support/sampling.h"

using namespace test;

namespace {

constexpr size_t most = 64;

struct {
  size_t steps, step, compared, different;
  uintptr_t first_different;
} g_trace;

size_t chain_of_libunwind(ucontext_t* context, uintptr_t* chain) {
  unw_cursor_t cursor;
  if (unw_init_local2(&cursor, context, UNW_INIT_SIGNAL_FRAME) != 0) return 0;
  size_t length = 0;
  do {
    unw_word_t ip = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &ip) != 0 || ip == 0) break;
    chain[length++] = ip;
  } while (length < most && unw_step(&cursor) > 0);
  return length;
}

void on_trap(int, siginfo_t*, void* context) {
  if (++g_trace.steps % g_trace.step != 0) return;
  uintptr_t ours[most], theirs[most];
  const size_t our_length = nosigbus_backtrace_collect(context, ours, most);
  const size_t their_length = chain_of_libunwind(static_cast<ucontext_t*>(context), theirs);
  ++g_trace.compared;
  if (our_length == their_length && std::equal(ours, ours + our_length, theirs)) return;
  if (g_trace.different++ == 0) {
    g_trace.first_different = ours[0];
    for (size_t i = 0; i < std::max(our_length, their_length); ++i) {
      dprintf(2, "  %#lx %#lx\n", i < our_length ? ours[i] : 0, i < their_length ? theirs[i] : 0);
    }
  }
}

// The flag is set between the two.
void begin_stepping() {
  asm volatile("lea -128(%%rsp), %%rsp; pushfq; orq $0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
                   : "memory", "cc");
}
void end_stepping() {
  asm volatile("lea -128(%%rsp), %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
                   : "memory", "cc");
}

int by_number(const void* a, const void* b) {
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

// libc in C and in assembly, this library's assembly, the loader that binds a function at its first call.
OUTLINE void walk() {
  static unsigned char from[10000], to[10000];
  int numbers[] = {5, 3, 4, 1, 2};
  char text[100];
  qsort(numbers, 5, sizeof numbers[0], by_number);
  for (const size_t n : {1, 7, 30, 100, 500, 5000}) {
    void* (*const volatile copy)(void*, const void*, size_t) = memcpy;
    copy(to, from, n);
    nosigbus_safe_read(to, from, n);
  }
  snprintf(text, sizeof text, "%d %s %.3f", numbers[0], "some text", 3.25);
  strtod("12.5e3", nullptr);
  std::string made(200, 'x');
  made += text;
  asm volatile("" : : "r"(made.data()) : "memory");
}

}  // namespace

TEST_CASE("chains are libunwind's at every instruction") {
  const outcome result = in_child(
      [] {
        CHILD_CHECK(enabled());
        g_trace.step = sampling();
        struct sigaction action {};
        action.sa_sigaction = on_trap;
        action.sa_flags = SA_SIGINFO;
        CHILD_CHECK(sigaction(SIGTRAP, &action, nullptr) == 0);
        begin_stepping();
        walk();
        end_stepping();
        dprintf(2, "%zu of %zu chains differ, the first at %#lx\n", g_trace.different, g_trace.compared,
                g_trace.first_different);
        CHILD_CHECK(g_trace.steps > 5000);
        CHILD_CHECK(g_trace.different == 0);
        return 0;
      },
      60);
  CHECK(result == exited(0));
}

TEST_CASE("registers with anything in them end the chain and nothing else") {
  CHECK(in_child([] {
          CHILD_CHECK(enabled());
          missing_region missing;
          ucontext_t good;
          CHILD_CHECK(getcontext(&good) == 0);
          void* const nothing = mmap(nullptr, page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          const greg_t stack = good.uc_mcontext.gregs[REG_RSP];
          const greg_t values[] = {0,
                                   1,
                                   -1,
                                   -8,
                                   -4096,
                                   stack,
                                   stack + 3,
                                   stack & -4096,
                                   (stack | 4095) - 3,
                                   reinterpret_cast<greg_t>(nothing) - 4,
                                   reinterpret_cast<greg_t>(nothing),
                                   reinterpret_cast<greg_t>(missing_page),
                                   reinterpret_cast<greg_t>(&qsort),
                                   static_cast<greg_t>(0x8000'0000'0000'0000)};
          const greg_t codes[] = {0,
                                  -1,
                                  1,
                                  reinterpret_cast<greg_t>(&qsort) + 40,
                                  reinterpret_cast<greg_t>(&walk) + 60,
                                  reinterpret_cast<greg_t>(&memcpy),
                                  good.uc_mcontext.gregs[REG_RIP]};
          std::mt19937_64 random(1);
          for (size_t i = 0; i < 200000; i += sampling()) {
            ucontext_t context = good;
            for (const int reg : {REG_RSP, REG_RBP, REG_RBX, REG_R10, REG_R12, REG_R13}) {
              context.uc_mcontext.gregs[reg] = values[random() % std::size(values)];
            }
            context.uc_mcontext.gregs[REG_RIP] = codes[random() % std::size(codes)];
            uintptr_t chain[most];
            const size_t length = nosigbus_backtrace_collect(&context, chain, most);
            CHILD_CHECK(length >= 1 && length <= most);
            CHILD_CHECK(chain[0] == static_cast<uintptr_t>(context.uc_mcontext.gregs[REG_RIP]));
          }
          CHILD_CHECK(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr) == 0);
          return 0;
        }) == exited(0));
}
