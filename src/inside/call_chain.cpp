// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/shared/call_chain.h>

namespace nosigbus {

constinit std::atomic<chain_collector> g_chain_collector{nullptr};
constinit std::atomic<chain_store*> g_chain_store{nullptr};

void collect_chain(const region_descriptor& handle, void* ucontext) {
  const chain_collector collect = g_chain_collector.load(std::memory_order_acquire);
  if (collect == nullptr || ucontext == nullptr) return;
  std::atomic<call_chain*>& place = handle.sync->chain;
  // relaxed, no partner: that there is one already only saves the work.
  if (place.load(std::memory_order_relaxed) != nullptr) return;
  chain_store& store = *g_chain_store.load(std::memory_order_relaxed);
  call_chain* const chain = store.take();
  if (chain == nullptr) return;
  chain->length = collect(ucontext, chain->addresses, call_chain::most);
  call_chain* none = nullptr;
  // release: pairs with take_chain.
  if (chain->length == 0 ||
      !place.compare_exchange_strong(none, chain, std::memory_order_release, std::memory_order_relaxed)) {
    store.give(*chain);
  }
}

size_t take_chain(const region_descriptor& handle, uintptr_t* out) {
  // acquire: pairs with collect_chain.
  const call_chain* const chain = handle.sync->chain.exchange(nullptr, std::memory_order_acquire);
  if (chain == nullptr) return 0;
  const size_t length = chain->length;
  if (out != nullptr) __builtin_memcpy(out, chain->addresses, length * sizeof *out);
  g_chain_store.load(std::memory_order_acquire)->give(*chain);
  return length;
}

}  // namespace nosigbus
