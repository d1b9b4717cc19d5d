// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Chunk k holds first_chunk << k descriptors, and the same number of region_sync in pages of their own
// that fork clears in the child. So a million regions are a dozen chunks.
#include <src/shared/fork_wiped.h>
#include <src/shared/region_pool.h>

namespace nosigbus::region_pool {

namespace {

constexpr uint32_t first_chunk = 512;
constexpr unsigned max_chunks = 20;

// Set once each (release), constant afterwards.
constinit std::atomic<region_descriptor*> g_chunks[max_chunks]{};

// Head of the free list: index + 1 of the first descriptor in the low half, a count of changes in the
// high half, so that a head taken and given back in between is told from one untouched.
constinit std::atomic<uint64_t> g_free{0};

constexpr uint32_t chunk_size(unsigned k) { return first_chunk << k; }
constexpr uint32_t chunk_first_index(unsigned k) { return first_chunk * ((1u << k) - 1); }

uintptr_t map_zeroed(size_t bytes) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const long result = sys::mmap(0, whole_pages(bytes), PROT_READ | PROT_WRITE, flags, -1, 0);
  return sys::failed(result) ? 0 : static_cast<uintptr_t>(result);
}

// Prepends descriptors [first, last], already linked from first to last.
void push(region_descriptor& first, region_descriptor& last) {
  uint64_t head = g_free.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    last.next_free.store(static_cast<uint32_t>(head), std::memory_order_relaxed);
    next = ((head >> 32) + 1) << 32 | (first.index + 1);
    // release: pairs with the acquire in take; the descriptor is as its last owner left it.
  } while (!g_free.compare_exchange_weak(head, next, std::memory_order_release, std::memory_order_relaxed));
}

bool grow() {
  for (unsigned k = 0; k < max_chunks; ++k) {
    if (g_chunks[k].load(std::memory_order_acquire) != nullptr) continue;
    const uint32_t count = chunk_size(k);
    const size_t region_bytes = count * sizeof(region_descriptor), sync_bytes = count * sizeof(region_sync);
    const uintptr_t regions = map_zeroed(region_bytes), syncs = map_fork_wiped(sync_bytes);
    region_descriptor* items = reinterpret_cast<region_descriptor*>(regions);
    if (regions != 0 && syncs != 0) {
      for (uint32_t i = 0; i < count; ++i) {
        items[i].index = chunk_first_index(k) + i;
        items[i].sync = reinterpret_cast<region_sync*>(syncs) + i;
        items[i].next_free.store(items[i].index + 2, std::memory_order_relaxed);
      }
      region_descriptor* nobody = nullptr;
      if (g_chunks[k].compare_exchange_strong(nobody, items, std::memory_order_acq_rel)) {
        push(items[0], items[count - 1]);
        return true;
      }
    }
    const bool out_of_memory = regions == 0 || syncs == 0;
    if (regions != 0) sys::munmap(regions, whole_pages(region_bytes));
    if (syncs != 0) unmap_fork_wiped(syncs, sync_bytes);
    // Another thread was faster: its chunk serves both.
    return !out_of_memory;
  }
  return false;
}

}  // namespace

region_descriptor* descriptor(uint32_t index) {
  // index + first_chunk has its top bit where chunk k begins: first_chunk << k. Looked for bit by bit:
  // without an instruction for it, that is a call into libgcc.
  unsigned k = 0;
  while ((index / first_chunk + 1) >> (k + 1) != 0) ++k;
  region_descriptor* const chunk = k < max_chunks ? g_chunks[k].load(std::memory_order_acquire) : nullptr;
  return chunk == nullptr ? nullptr : chunk + (index - chunk_first_index(k));
}

region_descriptor* take() {
  uint64_t head = g_free.load(std::memory_order_acquire);
  for (;;) {
    const uint32_t index_plus_one = static_cast<uint32_t>(head);
    if (index_plus_one == 0) {
      if (!grow()) return nullptr;
      head = g_free.load(std::memory_order_acquire);
      continue;
    }
    region_descriptor& first = *descriptor(index_plus_one - 1);
    // If somebody else takes `first` now, what we read here is stale, and the exchange fails.
    const uint64_t next = ((head >> 32) + 1) << 32 | first.next_free.load(std::memory_order_relaxed);
    if (g_free.compare_exchange_weak(head, next, std::memory_order_acquire, std::memory_order_acquire))
      return &first;
  }
}

#ifdef NOSIGBUS_CHECKS
// A released handle has to stay one for a while to be recognised: the last ones wait before they are reused.
void give(region_descriptor& region) {
  static constinit std::atomic<region_descriptor*> g_waiting[256]{};
  static constinit std::atomic<uint32_t> g_next{0};
  const uint32_t turn = g_next.fetch_add(1, std::memory_order_relaxed);
  region_descriptor* const longest = g_waiting[turn % 256].exchange(&region, std::memory_order_acq_rel);
  if (longest != nullptr) push(*longest, *longest);
}
#else
void give(region_descriptor& region) { push(region, region); }
#endif

}  // namespace nosigbus::region_pool
