// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Adding regions to the radix tree and taking them out.
#include <errno.h>
#include <src/shared/registry.h>

namespace nosigbus::registry {

namespace {

// Nodes are handed out from blocks that are mapped once and never given back.
struct node_block {
  static constexpr uint32_t capacity = 63;
  std::atomic<uint32_t> used;
  node nodes[capacity];
};

constinit std::atomic<node_block*> g_block{};

node* allocate_node() {
  for (;;) {
    node_block* block = g_block.load(std::memory_order_acquire);
    if (block != nullptr) {
      // Counting past the capacity is harmless: blocks are replaced long before the count could wrap.
      const uint32_t index = block->used.fetch_add(1, std::memory_order_relaxed);
      if (index < node_block::capacity) return &block->nodes[index];
    }
    const long fresh = sys::mmap(0, sizeof(node_block), PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (sys::failed(fresh)) return nullptr;
    // release: whoever loads the pointer finds zeroed memory, as the kernel gave it.
    if (!g_block.compare_exchange_strong(block, reinterpret_cast<node_block*>(fresh),
                                         std::memory_order_release, std::memory_order_relaxed)) {
      sys::munmap(static_cast<uintptr_t>(fresh), sizeof(node_block));
    }
  }
}

node* child_of(slot& item) {
  node* child = item.child.load(std::memory_order_acquire);
  if (child != nullptr) return child;
  node* fresh = allocate_node();
  if (fresh == nullptr) return nullptr;
  // Whoever loses keeps nothing: the node is lost, once per slot at the most.
  if (item.child.compare_exchange_strong(child, fresh, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
    return fresh;
  }
  return child;
}

// Calls visit for the slots that make up [begin, end), upwards, each as high in the tree as it can be;
// stops at the first error. Returns it, and in `reached` how far it got.
template <class Visit>
int for_each_slot(uintptr_t begin, uintptr_t end, uintptr_t* reached, Visit visit) {
  uintptr_t address = begin;
  int error = 0;
  while (address < end && error == 0) {
    node* at = &g_root;
    unsigned shift = root_shift;
    // Down to where a slot begins here and is not too long.
    while ((address & ((uintptr_t{1} << shift) - 1)) != 0 || end - address < uintptr_t{1} << shift) {
      at = child_of(at->items[slot_index(address, shift)]);
      if (at == nullptr) break;
      shift -= slot_bits;
    }
    if (at == nullptr) {
      error = -ENOMEM;
      break;
    }
    // It and its neighbours, of which an edge of the range has hundreds.
    const unsigned first = slot_index(address, shift);
    const uintptr_t whole = (end - address) >> shift;
    const unsigned count = whole < slots - first ? static_cast<unsigned>(whole) : slots - first;
    unsigned done = 0;
    while (done < count && (error = visit(at->items[first + done])) == 0) ++done;
    address += uintptr_t{done} << shift;
  }
  *reached = address;
  return error;
}

// Takes the slots of [begin, end) that are not the region's already. fresh: nobody else can want them.
int claim(region_descriptor& region, uintptr_t begin, uintptr_t end, uintptr_t* reached, bool fresh) {
  return for_each_slot(begin, end, reached, [&region, fresh](slot& item) {
    region_descriptor* owner = nullptr;
    // Claimed in an atomic step where another thread may add the same. seq_cst, which includes release:
    // whoever finds the region finds its fields.
    if (fresh) {
      owner = item.owner.load(std::memory_order_relaxed);
      if (owner == nullptr) item.owner.store(&region, std::memory_order_release);
    } else {
      item.owner.compare_exchange_strong(owner, &region, std::memory_order_seq_cst);
    }
    return owner == nullptr || owner == &region ? 0 : -EEXIST;
  });
}

// Whether a region other than `self` owns part of [begin, end). `base` is where the node's range starts.
bool foreign_owner(const node& at, unsigned shift, uintptr_t base, uintptr_t begin, uintptr_t end,
                   const region_descriptor* self) {
  const uintptr_t first = begin > base ? (begin - base) >> shift : 0;
  const uintptr_t last = (end - 1 - base) >> shift;
  for (uintptr_t i = first; i <= last && i < slots; ++i) {
    const slot& item = at.items[i];
    const region_descriptor* owner = item.owner.load(std::memory_order_seq_cst);
    if (owner != nullptr && owner != self) return true;
    const node* child = item.child.load(std::memory_order_acquire);
    if (child != nullptr && foreign_owner(*child, shift - slot_bits, base + (i << shift), begin, end, self)) {
      return true;
    }
  }
  return false;
}

// Clears the slots of [begin, end) that belong to the region. `base` is where the node's range starts.
void clear(node& at, unsigned shift, uintptr_t base, uintptr_t begin, uintptr_t end,
           const region_descriptor& region) {
  const uintptr_t first = begin > base ? (begin - base) >> shift : 0;
  const uintptr_t last = (end - 1 - base) >> shift;
  for (uintptr_t i = first; i <= last && i < slots; ++i) {
    slot& item = at.items[i];
    // Ordered by the fence in remove.
    if (item.owner.load(std::memory_order_relaxed) == &region) {
      item.owner.store(nullptr, std::memory_order_release);
    }
    if (shift == leaf_shift) continue;
    node* const child = item.child.load(std::memory_order_acquire);
    if (child != nullptr) clear(*child, shift - slot_bits, base + (i << shift), begin, end, region);
  }
}

}  // namespace

int add(region_descriptor& region, uintptr_t begin, uintptr_t end, bool fresh) {
  if (end < begin || end > uintptr_t{1} << address_bits) return -EINVAL;
  uintptr_t reached;
  int error = claim(region, begin, end, &reached, fresh);
  // Claim first, then look: of two that overlap, at least one sees the other.
  if (error == 0 && !fresh && foreign_owner(g_root, root_shift, 0, begin, end, &region)) error = -EEXIST;
  if (error != 0 && reached > begin) remove(region, begin, reached);
  return error;
}

int shorten(region_descriptor& region, uintptr_t begin, uintptr_t end, uintptr_t end_before) {
  uintptr_t reached;
  if (const int error = claim(region, begin, end, &reached, true)) return error;
  remove(region, end, end_before);
  return 0;
}

void remove(region_descriptor& region, uintptr_t begin, uintptr_t end) {
  clear(g_root, root_shift, 0, begin, end, region);
  // "Give up, then look for visitors": all the slots at once. A fence for each takes longer than munmap where
  // the edges of a region are hundreds of slots.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace nosigbus::registry
