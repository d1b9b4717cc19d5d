// SPDX-License-Identifier: MIT
//
// What threads and signal handlers share a region with: a lock, and a count of those at work.
//
// The lock is taken inside the signal handler, so whoever holds it has all signals blocked and touches
// no guarded memory (scoped_signal_block below): a fault or a signal handler can never find it held by
// its own thread. A holder does a bounded number of system calls, so waiting for it is bounded too.
//
// Both words live in memory that fork clears in the child (region_pool.cpp): what another thread held
// at that moment, nobody holds there.
#pragma once

#include <signal.h>
#include <src/shared/syscalls.h>

namespace nosigbus {

// Blocks every signal of the calling thread, those of the C library included (thread cancellation must
// not unwind out of a critical section).
class scoped_signal_block {
 public:
  scoped_signal_block() { sys::set_signal_mask(all, &old_); }
  ~scoped_signal_block() {
    // Our own handler has nothing to put back, mostly (our_action).
    if (old_ != all_that_can_be_blocked) sys::set_signal_mask(old_, nullptr);
  }
  scoped_signal_block(const scoped_signal_block&) = delete;
  scoped_signal_block& operator=(const scoped_signal_block&) = delete;

 private:
  static constexpr uint64_t all = ~uint64_t{0};
  static constexpr uint64_t all_that_can_be_blocked =
      all & ~(uint64_t{1} << (SIGKILL - 1)) & ~(uint64_t{1} << (SIGSTOP - 1));

  // Where a system call filter refuses to block, there is nothing to put back either.
  uint64_t old_ = all_that_can_be_blocked;
};

// Three-state futex lock (Drepper, "Futexes are tricky", mutex 2).
class futex_lock {
 public:
  void lock() {
    uint32_t state = free;
    // acquire: pairs with the release in unlock; the holder's changes are seen.
    if (word_.compare_exchange_strong(state, held, std::memory_order_acquire)) return;
    while (word_.exchange(contended, std::memory_order_acquire) != free) {
      sys::futex_wait(&word_, contended);
    }
  }
  void unlock() {
    if (word_.exchange(free, std::memory_order_release) == contended) sys::futex_wake(&word_, 1);
  }

 private:
  static constexpr uint32_t free = 0, held = 1, contended = 2;
  std::atomic<uint32_t> word_;
};

class scoped_lock {
 public:
  explicit scoped_lock(futex_lock& lock) : lock_(lock) { lock_.lock(); }
  ~scoped_lock() { lock_.unlock(); }
  scoped_lock(const scoped_lock&) = delete;
  scoped_lock& operator=(const scoped_lock&) = delete;

 private:
  futex_lock& lock_;
};

// Counts who is at work on an object, so that whoever has hidden the object can wait for them.
//
// Protocol: a visitor enters, then looks whether the object is still visible, and leaves at once if not.
// The owner hides the object, then waits. Enter and the visitor's look, hide and the owner's look, are
// sequentially consistent: either the visitor sees the object hidden, or the owner sees the visitor.
class visitor_count {
 public:
  void enter() { word_.fetch_add(1, std::memory_order_seq_cst); }
  void leave() {
    // release: what the visitor did is done before the owner reads the count down (acquire in wait).
    if (word_.fetch_sub(1, std::memory_order_release) == (awaited | 1)) sys::futex_wake(&word_, wake_all);
  }
  void wait_until_none() {
    if (word_.load(std::memory_order_seq_cst) == 0) return;
    uint32_t count = word_.fetch_or(awaited, std::memory_order_acquire) | awaited;
    while (count != awaited) {
      sys::futex_wait(&word_, count);
      count = word_.load(std::memory_order_acquire);
    }
    word_.fetch_and(~awaited, std::memory_order_relaxed);
  }

 private:
  static constexpr uint32_t awaited = 1u << 31;
  static constexpr int wake_all = 0x7fffffff;
  std::atomic<uint32_t> word_;
};

}  // namespace nosigbus
