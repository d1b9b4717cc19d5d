// SPDX-License-Identifier: MIT
//
// What the drop-in's handler, its wrappers of the C library's functions, and its healer share.
#pragma once

#include <src/shared/sync.h>

#include <atomic>

namespace nosigbus::preload {

// In memory that fork clears in the child: what other threads held there, nobody holds.
struct shared_state {
  // Held by whoever makes, ends or moves regions. As a region's lock: with all signals blocked, touching no
  // guarded memory. Taken before a region's lock.
  futex_lock books;
  // Held by whoever needs, or makes, the room for spare mappings; as books, and after it.
  futex_lock room;
  // Counts changes of mappings that the program made in guarded ranges. Written under books.
  std::atomic<uint32_t> changes;
  // 1: the healer is at work, or about to be (healer.h).
  std::atomic<uint32_t> healer;
  // Its thread, cleared by the kernel when it is gone (clone(2), CLONE_CHILD_CLEARTID).
  std::atomic<uint32_t> healer_thread;
  // Who wants the healer away. A futex: the healer sleeps on it.
  std::atomic<uint32_t> pauses;
  // This process; 0 until somebody asks.
  std::atomic<int32_t> pid;
};

// Set once, before the handler is installed.
extern constinit shared_state* g_state;

// What getpid(2) said first: in a child of vfork, which has the parent's memory, still the parent.
inline int32_t own_pid() {
  int32_t pid = g_state->pid.load(std::memory_order_relaxed);
  if (pid == 0) {
    pid = static_cast<int32_t>(sys::raw_syscall(SYS_getpid));
    g_state->pid.store(pid, std::memory_order_relaxed);
  }
  return pid;
}

// Its signal actions and mask are its own, what we note of them would be the parent's.
inline bool in_vfork_child() { return own_pid() != static_cast<int32_t>(sys::raw_syscall(SYS_getpid)); }

class books_lock {
 public:
  books_lock() : lock_(g_state->books) {}

 private:
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
