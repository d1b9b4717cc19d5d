// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/preload/inside/calls.h>
#include <time.h>

namespace nosigbus::preload {

constinit thread_local calls_of_thread t_calls{};

namespace {

constexpr long moment = 50'000, patience = 200'000'000;  // ns

// Of processes, from parent to child. Under the books' lock.
constinit uint32_t g_instance = 0;

// Whether the count has come down to 0, in time.
bool comes_to_rest(const std::atomic<uint32_t>& lane) {
  const timespec sleep{0, moment};
  // acquire: pairs with the release of end. seq_cst: with begin.
  for (long waited = 0; lane.load(std::memory_order_seq_cst) != 0; waited += moment) {
    if (waited >= patience) return false;
    sys::raw_syscall(SYS_nanosleep, reinterpret_cast<long>(&sleep), 0);
  }
  return true;
}

}  // namespace

void withdraw_calls() {
  calls_of_thread& mine = t_calls;
  const uint32_t count = mine.count;
  if (count == 0) return;
  mine.count = 0;
  ++mine.withdrawals;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (!gates::same_process(g_state->gate.load(std::memory_order_relaxed), mine.gate)) return;
  g_state->lanes[gates::lane(mine.gate)].fetch_sub(count, std::memory_order_release);  // as end
}

void make_gate() {
  // Relaxed: under the books' lock, and whoever reads it without finds it shut or takes it as it is.
  if (g_state->gate.load(std::memory_order_relaxed) != 0) return;
  g_state->gate.store(gates::of_instance(++g_instance), std::memory_order_relaxed);
}

calls_kept_out::calls_kept_out() {
  const uint32_t open = g_state->gate.load(std::memory_order_relaxed);
  g_state->gate.store(open | gates::shut, std::memory_order_seq_cst);
  if (comes_to_rest(g_state->lanes[gates::lane(open)])) return;
  const uint32_t other = gates::next_lane(open);
  g_state->lanes[gates::lane(other)].store(0, std::memory_order_relaxed);
  g_state->gate.store(other | gates::shut, std::memory_order_seq_cst);
}

calls_kept_out::~calls_kept_out() {
  const uint32_t now = g_state->gate.load(std::memory_order_relaxed);
  // release: who finds it open finds the region that was made.
  g_state->gate.store(now & ~gates::shut, std::memory_order_release);
}

}  // namespace nosigbus::preload
