// SPDX-License-Identifier: MIT
#include <errno.h>
#include <nosigbus/events.h>
#include <src/shared/call_chain.h>
#include <src/shared/fork_wiped.h>

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

}  // namespace nosigbus

int nosigbus_collect_chains(size_t (*collect)(void* ucontext, uintptr_t* chain, size_t most)) noexcept {
  if (collect != nullptr && !nosigbus::make_store()) return -ENOMEM;
  // release: pairs with collect_chain, which finds the store, and what `collect` relies on.
  nosigbus::g_chain_collector.store(collect, std::memory_order_release);
  return 0;
}
