// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// The program's changes of mappings, while nothing is guarded, against the handler that is about to guard
// something. The handler asks the kernel what is mapped, makes that a region, and overlays it: what the
// program unmapped between the question and the region, others may have got, and the overlay would destroy
// their memory. Once there is a region, the program's calls take the books' lock; here is the time before.
//
// A call counts itself in and looks at the gate; the handler, which holds the books, shuts the gate and looks
// at the count. Both are sequentially consistent: either the call finds the gate shut, backs out and waits
// for the books, or the handler finds the call and waits for its end. The gate opens when the region is
// visible (release; acquire in the call's look): whoever finds it open finds the region, too.
//
// What can keep a call from counting itself out, and what becomes of it:
// - A signal handler interrupts it and never returns (longjmp): it is counted out by leave_by_longjmp.
// - A signal handler interrupts it, and faults or changes mappings: it would wait for itself, or for one who
//   waits for it. So who locks the books counts out what its own thread is in the middle of. The call finds
//   that out at its end, and puts right under the lock what became of its range. Until then it is like one
//   that was made by a raw system call.
// - Its thread is no more (a child of vfork that was killed, a thread that was cancelled), has left in a way
//   that nobody hears of (setcontext), or is in the kernel for long (MAP_POPULATE). The handler waits for
//   `patience`, then goes on, and counts from there on in another lane: nobody waits for it again. That is
//   safe for whoever is in the kernel: it has changed the mappings, or holds the lock that the handler's
//   question waits for. It is not for a thread that was not scheduled for so long.
// - fork: the child's counts are 0 and its gate is another instance's. A call that went on in the child does
//   not count itself out there.
// A signal that comes between counting here and counting there, and whose handler leaves by longjmp or
// changes mappings, or two tasks with one thread's data, make a lane's count wrong: a handler waits for
// `patience`, and takes another lane.
#pragma once

#include <src/preload/inside/books.h>

namespace nosigbus::preload {

// The thread's own, of the calls it is in the middle of: more than one where a signal handler interrupted
// one.
struct calls_of_thread {
  uint32_t count;
  uint32_t gate;         // as all of them have found it
  uint32_t withdrawals;  // how often they were counted out before their end
};
extern constinit thread_local calls_of_thread t_calls;

class unguarded_call {
 public:
  // Whether the call can be made, without the books: nothing is guarded, and will not be before end.
  bool begin() {
    if (any_guarded()) return false;
    // Before there is a handler.
    if (g_state == nullptr) return true;
    const uint32_t gate = g_state->gate.load(std::memory_order_relaxed);
    calls_of_thread& mine = t_calls;
    if (!gates::open(gate) || (mine.count != 0 && mine.gate != gate)) return false;
    withdrawals_ = mine.withdrawals;
    before_ = mine.count;
    gate_ = gate;
    mine.gate = gate;
    mine.count = before_ + 1;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    // Last: a signal comes when an instruction that takes long is over, rather than before it.
    lane_of(gate).fetch_add(1, std::memory_order_seq_cst);
    if (__builtin_expect(g_state->gate.load(std::memory_order_seq_cst) == gate && !any_guarded(), 1)) {
      return true;
    }
    end();
    return false;
  }
  // False: something may have been guarded meanwhile.
  bool end() {
    if (gate_ == 0) return true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    calls_of_thread& mine = t_calls;
    if (__builtin_expect(mine.withdrawals != withdrawals_, 0)) return false;
    mine.count = before_;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (!gates::same_process(g_state->gate.load(std::memory_order_relaxed), gate_)) return false;
    // release: pairs with the acquire of who waits for it (calls_kept_out).
    lane_of(gate_).fetch_sub(1, std::memory_order_release);
    return true;
  }

 private:
  static std::atomic<uint32_t>& lane_of(uint32_t gate) { return g_state->lanes[gates::lane(gate)]; }

  uint32_t gate_ = 0;  // 0: nothing was counted
  uint32_t before_ = 0;
  uint32_t withdrawals_ = 0;
};

// This thread is about to leave a signal handler, and maybe the call that it interrupted. One that it goes
// back to notices.
inline void leave_by_longjmp() {
  if (g_state != nullptr) withdraw_calls();
}

// With the books locked: nobody is in a call that began unguarded, nor begins one.
class calls_kept_out {
 public:
  calls_kept_out();
  ~calls_kept_out();
  calls_kept_out(const calls_kept_out&) = delete;
  calls_kept_out& operator=(const calls_kept_out&) = delete;
};

}  // namespace nosigbus::preload
