// SPDX-License-Identifier: MIT
//
// Unwind information at every instruction: each routine is single-stepped by the trap flag, through its
// landing pads too, and at each stop libunwind has to find the way back to the caller.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <nosigbus/scan.h>
#include <signal.h>
#include <src/shared/routines.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <string>
#include <vector>

#include "support/child.h"
#include "support/entry.h"
#include "support/sampling.h"
#include "support/shared_file.h"
#include "support/use_set.h"

using namespace test;

extern "C" size_t nosigbus_fill_guarded(void* dst, int byte, size_t n);

namespace {

// What the trap handler has to reach, and what it saw.
struct {
  uintptr_t caller_begin, caller_end;
  size_t steps, step, lost;
  uintptr_t first_lost;
} g_trace;

constexpr int most_frames = 8;

bool reaches_caller(ucontext_t* context) {
  unw_cursor_t cursor;
  if (unw_init_local2(&cursor, context, UNW_INIT_SIGNAL_FRAME) != 0) return false;
  for (int frame = 0; frame < most_frames; ++frame) {
    unw_word_t ip = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &ip) != 0) return false;
    if (ip >= g_trace.caller_begin && ip <= g_trace.caller_end) return true;
    if (unw_step(&cursor) <= 0) return false;
  }
  return false;
}

void on_trap(int, siginfo_t*, void* context) {
  if (++g_trace.steps % g_trace.step != 0 || reaches_caller(static_cast<ucontext_t*>(context))) return;
  if (g_trace.lost++ == 0) {
    g_trace.first_lost =
        static_cast<uintptr_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
  }
}

// Calls fn with the trap flag set. Its own frame is the one that has to be found.
__attribute__((noinline)) size_t call_stepped(size_t (*fn)(void*, const void*, size_t), void* dst,
                                              const void* src, size_t n) {
  size_t result;
  asm volatile(
      "lea 1f(%%rip), %%rax\n\t"
      "mov %%rax, %[begin]\n\t"
      "lea 2f(%%rip), %%rax\n\t"
      "mov %%rax, %[end]\n\t"
      "pushfq\n\t"
      "orq $0x100, (%%rsp)\n\t"
      "popfq\n"
      "1: call *%[fn]\n\t"
      "pushfq\n\t"
      "andq $~0x100, (%%rsp)\n\t"
      "popfq\n"
      "2: nop\n\t"
      : "=&a"(result), [begin] "=m"(g_trace.caller_begin), [end] "=m"(g_trace.caller_end), "+D"(dst),
        "+S"(src), "+d"(n)
      : [fn] "r"(fn)
      : "rcx", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
        "xmm6", "xmm7");
  return result;
}

size_t fill(void* dst, const void* src, size_t n) {
  return nosigbus_fill_guarded(dst, *static_cast<const unsigned char*>(src), n);
}

// The scans, as if they copied. Bytes of the arena are never 0.
nosigbus::scans g_scans;
size_t find_nul(void*, const void* s, size_t n) { return g_scans.strnlen(static_cast<const char*>(s), n); }
size_t find_byte(void*, const void* s, size_t n) { return g_scans.memchr(s, 0, n); }
size_t compare(void* same, const void* s, size_t n) { return g_scans.memcmp(s, same, n); }

// A good page in front of a bad one.
unsigned char* end_of_good() {
  shared_file file(3 * page_size());
  unsigned char* const data = file.map(3 * page_size(), PROT_READ | PROT_WRITE);
  file.resize(2 * page_size());
  return data + 2 * page_size();
}

void step_through(size_t (*fn)(void*, const void*, size_t), bool bad_source, bool bad_target) {
  static std::vector<unsigned char> good(2 * page_size(), 1);
  unsigned char* const edge = end_of_good();
  for (const size_t n : {0, 1, 3, 5, 12, 16, 24, 40, 70, 100, 200, 300, 600, 5000}) {
    // All good, a bad byte in the middle, nothing good.
    for (const size_t k : {n, n / 2, size_t{0}}) {
      void* const dst = bad_target ? edge - k : good.data();
      const void* const src = bad_source ? edge - k : good.data();
      CHILD_CHECK(call_stepped(fn, dst, src, n) == (bad_source || bad_target ? k : n));
    }
  }
}

// Every way that a scan can end by what it finds.
void step_through_found(size_t (*fn)(void*, const void*, size_t)) {
  static std::vector<unsigned char> bytes(4 * page_size(), 1), same(page_size(), 1);
  for (const size_t in_page : {size_t{0}, page_size() - 20, page_size() - 100}) {
    unsigned char* const s =
        bytes.data() + (-reinterpret_cast<uintptr_t>(bytes.data()) & (page_size() - 1)) + in_page;
    for (const size_t at : {0, 1, 15, 20, 31, 33, 64, 70, 100, 140, 180, 250, 300, 700}) {
      s[at] = 0;
      CHILD_CHECK(call_stepped(fn, same.data(), s, at + 40) == at);
      s[at] = 1;
    }
  }
}

void step_through_scans(const nosigbus::scans& scans) {
  g_scans = scans;
  step_through(find_nul, true, false);
  step_through(find_byte, true, false);
  step_through(compare, true, true);
  step_through_found(find_nul);
  step_through_found(find_byte);
  step_through_found(compare);
}

}  // namespace

TEST_CASE("the caller is found from every instruction of every routine") {
  for (size_t i = 0; i < nosigbus::arch::routines_count; ++i) {
    const nosigbus::routines& set = nosigbus::arch::all_routines[i];
    CAPTURE(std::string(set.name));
    if (!use_set(set.name)) continue;
    const outcome result = in_child([&set] {
      enter_by(entry::installed);
      g_trace.step = sampling();
      struct sigaction action {};
      action.sa_sigaction = on_trap;
      action.sa_flags = SA_SIGINFO;
      sigaction(SIGTRAP, &action, nullptr);
      step_through(read_in_force(), true, false);
      step_through(set.watched_read, true, false);
      step_through(set.copy_read, true, false);
      step_through(set.copy_write, false, true);
      step_through(set.copy_both, true, false);
      step_through(set.copy_both, false, true);
      step_through(fill, false, true);
      step_through_scans(scans_in_force());
      step_through_scans(set.watched_scans);
      make_a_region();  // the public routines go to the watched ones now
      step_through(read_in_force(), true, false);
      step_through_scans(scans_in_force());
      if (g_trace.lost != 0) {
        dprintf(2, "%zu of %zu instructions cannot be unwound from, the first at %#lx\n", g_trace.lost,
                g_trace.steps, g_trace.first_lost);
      }
      CHILD_CHECK(g_trace.steps > 2000);
      CHILD_CHECK(g_trace.lost == 0);
      return 0;
    });
    CHECK(result == exited(0));
  }
}
