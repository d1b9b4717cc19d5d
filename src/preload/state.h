// SPDX-License-Identifier: MIT
//
// What the drop-in's handler, its wrappers of the C library's functions, and its healer share.
#pragma once

#include <src/shared/sync.h>

#include <atomic>

namespace nosigbus::preload {

// A word that says whether changes of mappings may go on (calls.h): shut; the lane in which they are counted;
// the instance, which is another in each process that fork makes, and never 0.
namespace gates {
inline constexpr uint32_t shut = 1, lanes = 8, instance = 16;
inline bool open(uint32_t gate) { return gate != 0 && (gate & shut) == 0; }
inline uint32_t lane(uint32_t gate) { return gate >> 1 & (lanes - 1); }
inline uint32_t next_lane(uint32_t gate) { return (gate & ~(instance - 1)) | (lane(gate) + 1) % lanes << 1; }
inline uint32_t of_instance(uint32_t number) { return number * instance; }
inline bool same_process(uint32_t one, uint32_t other) { return one / instance == other / instance; }
}  // namespace gates

// In memory that fork clears in the child: what other threads held there, nobody holds.
struct shared_state {
  // Held by whoever makes, ends or moves regions. As a region's lock: with all signals blocked, touching no
  // guarded memory. Taken before a region's lock.
  futex_lock books;
  // Held by whoever needs, or makes, the room for spare mappings; as books, and after it.
  futex_lock room;
  // Held by whoever runs an errand elsewhere (errands.h); as books, and after all others.
  futex_lock errands;
  // The thread that has a table of descriptors of its own. Written and recognised by itself.
  std::atomic<uint32_t> tableless;
  // 0 in a process that is new. Written under books, read by the program's calls (calls.h has the orders).
  std::atomic<uint32_t> gate;
  // Calls under way, by lane. Counted by the calls; waited for, and cleared before it is used again, under
  // books.
  std::atomic<uint32_t> lanes[gates::lanes];
  // Counts changes of mappings that the program made in guarded ranges. Written under books.
  std::atomic<uint32_t> changes;
  // 1: the healer is at work, or about to be (healer.h).
  std::atomic<uint32_t> healer;
  // Its thread, cleared by the kernel when it is gone (clone(2), CLONE_CHILD_CLEARTID).
  std::atomic<uint32_t> healer_thread;
  // The same, until somebody has waited for it. Written by the thread before it says that nobody is at work,
  // and cleared while pauses keep another one from beginning.
  std::atomic<uint32_t> last_healer;
  // 1: no thread could be made for it, the last time.
  std::atomic<uint32_t> healer_missed;
  // Who wants the healer away. A futex: the healer sleeps on it.
  std::atomic<uint32_t> pauses;
  // This process; 0 until somebody asks. Relaxed, no partner: whoever finds out finds the same.
  std::atomic<int32_t> pid;
};

// Set once, before the handler is installed.
extern constinit shared_state* g_state;

// This process: in a child of vfork, which has the parent's memory, still the parent.
int32_t own_pid();

// Its signal actions and mask are its own, what we note of them would be the parent's.
bool in_vfork_child();

// Of a process that is none of vfork.
void note_own_pid();

// calls.h. The first of a thread that has data of its own, with all signals blocked or about to leave for
// good; the second with the books locked.
void withdraw_calls();
void make_gate();

class books_lock {
 public:
  enum class holder { program, healer };  // the healer has no data of a thread, and makes no calls
  explicit books_lock(holder who = holder::program) : lock_(books(who)) { make_gate(); }

 private:
  static futex_lock& books(holder who) {
    // Or somebody who holds them would wait for a call that waits for them.
    if (who == holder::program) withdraw_calls();
    return g_state->books;
  }

  const scoped_signal_block no_signals_;
  const scoped_lock lock_;
};

// SIGBUS in a mask as the kernel has it.
inline constexpr uint64_t sigbus_bit = uint64_t{1} << (SIGBUS - 1);

// Whether the program's own mask, as it believes it to be, blocks SIGBUS on this thread: we keep it open.
extern constinit thread_local bool t_sigbus_blocked;
// Whether the kernel blocks it on this thread as well: one was sent, and is pending (handler.cpp, hold_back).
extern constinit thread_local bool t_sigbus_held;

}  // namespace nosigbus::preload
