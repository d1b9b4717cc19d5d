// SPDX-License-Identifier: MIT
//
// The least that a fault can cost: the kernel delivers it to a handler that steps over the instruction.
#pragma once

#include <benchmark/benchmark.h>
#include <signal.h>
#include <ucontext.h>

namespace bench {

inline void step_over(int, siginfo_t*, void* context) {
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += 2;  // movb (%rax), %al
}

// One fault each time.
inline void bare_faults(benchmark::State& state, unsigned char* bad) {
  struct sigaction action {};
  action.sa_sigaction = step_over;
  action.sa_flags = SA_SIGINFO;
  sigfillset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
  for (auto _ : state) {
    unsigned char* at = bad;
    asm volatile("movb (%0), %%al" : "+a"(at) : : "memory");
  }
  signal(SIGBUS, SIG_DFL);
}

}  // namespace bench
