// SPDX-License-Identifier: MIT
//
// Call chains, collected in a signal handler, against libunwind.
#include <nosigbus/backtrace.h>
#include <signal.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <cstdlib>

#include "pairs.h"

namespace {

constexpr size_t frames = 20;

using collector = size_t (*)(void* ucontext, uintptr_t* chain, size_t most);

size_t by_libunwind(void* ucontext, uintptr_t* chain, size_t most) {
  unw_cursor_t cursor;
  if (unw_init_local2(&cursor, static_cast<unw_context_t*>(ucontext), UNW_INIT_SIGNAL_FRAME) != 0) return 0;
  size_t length = 0;
  do {
    unw_word_t ip = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &ip) != 0) break;
    chain[length++] = ip;
  } while (length < most && unw_step(&cursor) > 0);
  return length;
}

// For the handler.
benchmark::State* g_state;
collector g_collect;

void on_signal(int, siginfo_t*, void* ucontext) {
  uintptr_t chain[frames];
  for (auto _ : *g_state) {
    if (g_collect(ucontext, chain, frames) != frames) abort();
    benchmark::ClobberMemory();
  }
}

__attribute__((noinline)) void raise_below(size_t levels) {
  if (levels == 0) {
    raise(SIGUSR1);
  } else {
    raise_below(levels - 1);
  }
  benchmark::ClobberMemory();
}

bench::body in_handler(collector collect) {
  return [collect](benchmark::State& state) {
    struct sigaction action {
    }, before;
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO;
    g_state = &state;
    g_collect = collect;
    if (nosigbus_backtrace_enable() != 0 || sigaction(SIGUSR1, &action, &before) != 0) abort();
    raise_below(frames);
    sigaction(SIGUSR1, &before, nullptr);
    nosigbus_backtrace_disable();
  };
}

[[maybe_unused]] const bool g_added = [] {
  bench::add({"backtrace of 20 frames in the handler", in_handler(nosigbus_backtrace_collect), "libunwind",
              in_handler(by_libunwind)});
  return true;
}();

}  // namespace
