// SPDX-License-Identifier: MIT
//
// The call chain of a fault, on its way from the handler to dispatch.
//
// A chain that is under way has one owner at any time. The handler takes a free one from the store (its bit),
// fills it, and leaves it at the region's handle if there is none yet (sync->chain); whoever takes it away
// from there, dispatch or the region's end, gives it back to the store. So there is nothing to lock, although
// two places of one region can be repaired at once. It is left before the fault is counted, and taken after
// the count was read: dispatch that tells of a fault finds its chain.
//
// All of it, and sync->chain, is in memory that fork clears in the child: what handlers of other threads held
// there is free.
#pragma once

#include <src/shared/region.h>

namespace nosigbus {

struct call_chain {
  static constexpr size_t most = 64;
  uintptr_t addresses[most];
  size_t length;
};

// As nosigbus_collect_chains was given.
using chain_collector = size_t (*)(void* ucontext, uintptr_t* chain, size_t most);

class chain_store {
 public:
  // Null where all are under way. Async-signal-safe.
  call_chain* take() {
    for (size_t i = 0; i < words; ++i) {
      uint64_t taken = taken_[i].load(std::memory_order_relaxed);
      while (~taken != 0) {
        const unsigned bit = static_cast<unsigned>(__builtin_ctzll(~taken));
        // acquire: pairs with give; the last owner is done with it.
        if (taken_[i].compare_exchange_weak(taken, taken | uint64_t{1} << bit, std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
          return &chains_[i * 64 + bit];
        }
      }
    }
    return nullptr;
  }
  void give(const call_chain& chain) {
    const size_t index = static_cast<size_t>(&chain - chains_);
    taken_[index / 64].fetch_and(~(uint64_t{1} << index % 64), std::memory_order_release);
  }

 private:
  static constexpr size_t words = 4;  // 256 regions with news

  std::atomic<uint64_t> taken_[words];
  call_chain chains_[words * 64];
};

// Null, or what the handler calls (release/acquire). The store is there before it.
extern constinit std::atomic<chain_collector> g_chain_collector;
// Set once (release), null until then.
extern constinit std::atomic<chain_store*> g_chain_store;

// Collects the interrupted code's chain for the handle, if anybody wants it and it has none yet; null: none
// to be collected. Async-signal-safe. The caller keeps the handle from being released.
void collect_chain(const region_descriptor& handle, void* ucontext);

// Takes the handle's chain away from it: copies it to `out` unless that is null. Returns its length, 0 where
// there is none.
size_t take_chain(const region_descriptor& handle, uintptr_t* out);

}  // namespace nosigbus
