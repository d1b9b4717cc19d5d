// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/repair.h>
#include <src/preload/inside/spare_mappings.h>
#include <src/shared/syscalls.h>
#include <src/shared/thread_state.h>

namespace nosigbus::preload {

namespace {

// Neighbours of different protection are not joined: as many mappings as pages.
constexpr size_t mappings = 17;

// Whoever takes it unmaps it (exchange), whoever makes one offers it.
constinit std::atomic<uintptr_t> g_block{0};

void give_up(uintptr_t block) {
  if (block != 0) sys::munmap(block, mappings * g_page_size);
}

}  // namespace

void keep_spare_mappings() {
  if (g_block.load(std::memory_order_relaxed) != 0) return;
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const long made = sys::mmap(0, mappings * g_page_size, PROT_NONE, flags, -1, 0);
  if (sys::failed(made)) return;
  const uintptr_t block = static_cast<uintptr_t>(made);
  for (size_t i = 1; i < mappings; i += 2) {
    if (sys::failed(sys::mprotect(block + i * g_page_size, g_page_size, PROT_READ))) break;
  }
  uintptr_t none = 0;
  if (!g_block.compare_exchange_strong(none, block, std::memory_order_relaxed)) give_up(block);
}

lent_mappings::lent_mappings() { give_up(g_block.exchange(0, std::memory_order_relaxed)); }

bool supply_zeros(nosigbus_fault& fault) {
  if (repair(fault, nullptr)) return true;
  if (!repairable(fault)) return false;
  const lent_mappings room;
  return repair(fault, nullptr, effort::sparing);
}

}  // namespace nosigbus::preload
