// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/shared/registry.h>

namespace nosigbus::registry {

constinit node g_root{};

region_descriptor* find(uintptr_t address) {
  if (address >> address_bits != 0) return nullptr;
  const node* at = &g_root;
  for (unsigned shift = root_shift;; shift -= slot_bits) {
    const slot& item = at->items[slot_index(address, shift)];
    if (region_descriptor* owner = item.owner.load(std::memory_order_seq_cst)) return owner;
    if (shift == leaf_shift) return nullptr;
    at = item.child.load(std::memory_order_acquire);
    if (at == nullptr) return nullptr;
  }
}

uintptr_t find_first(uintptr_t begin, uintptr_t end) {
  const uintptr_t limit = uintptr_t{1} << address_bits;
  // Each turn steps over one slot, as high in the tree as there is nothing below it.
  uintptr_t address = begin;
  while (address < end && address < limit) {
    const node* at = &g_root;
    unsigned shift = root_shift;
    for (;;) {
      const slot& item = at->items[slot_index(address, shift)];
      if (item.owner.load(std::memory_order_acquire) != nullptr) return address;
      const node* child = shift == leaf_shift ? nullptr : item.child.load(std::memory_order_acquire);
      if (child == nullptr) break;
      at = child;
      shift -= slot_bits;
    }
    const uintptr_t step = uintptr_t{1} << shift;
    address = (address & ~(step - 1)) + step;
  }
  return end;
}

visited_region::visited_region(uintptr_t address) : region_(find(address)) {
  while (region_ != nullptr) {
    region_->sync->visitors.enter();
    region_descriptor* again = find(address);
    if (again == region_) return;
    // It was released in between, and perhaps another one began at the same place.
    region_->sync->visitors.leave();
    region_ = again;
  }
}

visited_region::~visited_region() {
  if (region_ != nullptr) region_->sync->visitors.leave();
}

}  // namespace nosigbus::registry
