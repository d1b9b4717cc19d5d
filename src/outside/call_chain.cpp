// SPDX-License-Identifier: MIT
#include <errno.h>
#include <nosigbus/events.h>
#include <src/outside/fork_wiped.h>
#include <src/shared/call_chain.h>
#include <string.h>

namespace nosigbus {

namespace {

bool make_store() {
  chain_store* store = g_chain_store.load(std::memory_order_acquire);
  if (store != nullptr) return true;
  chain_store* const fresh = reinterpret_cast<chain_store*>(map_fork_wiped(sizeof(chain_store)));
  if (fresh == nullptr) return false;
  if (!g_chain_store.compare_exchange_strong(store, fresh, std::memory_order_acq_rel)) {
    unmap_fork_wiped(reinterpret_cast<uintptr_t>(fresh), sizeof(chain_store));  // another thread was faster
  }
  return true;
}

}  // namespace

size_t take_chain(const region_descriptor& handle, uintptr_t* out) {
  // acquire: pairs with collect_chain.
  const call_chain* const chain = handle.sync->chain.exchange(nullptr, std::memory_order_acquire);
  if (chain == nullptr) return 0;
  const size_t length = chain->length;
  if (out != nullptr) memcpy(out, chain->addresses, length * sizeof *out);
  g_chain_store.load(std::memory_order_acquire)->give(*chain);
  return length;
}

}  // namespace nosigbus

int nosigbus_collect_chains(size_t (*collect)(void* ucontext, uintptr_t* chain, size_t most)) noexcept {
  if (collect != nullptr && !nosigbus::make_store()) return -ENOMEM;
  // release: pairs with collect_chain, which finds the store, and what `collect` relies on.
  nosigbus::g_chain_collector.store(collect, std::memory_order_release);
  return 0;
}
