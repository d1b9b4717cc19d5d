// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <src/outside/unwritable_zeros.h>
#include <src/shared/thread_state.h>
#include <src/shared/unwritable_zeros.h>
#include <sys/mman.h>
#include <unistd.h>

namespace nosigbus {

constinit std::atomic<uintptr_t> g_unwritable_zeros{0};

void make_unwritable_zeros() {
  if (g_unwritable_zeros.load(std::memory_order_acquire) != 0) return;
  const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  if (zero < 0) return;
  void* const page = mmap(nullptr, g_page_size, PROT_READ, MAP_SHARED, zero, 0);
  close(zero);
  if (page == MAP_FAILED) return;
  // What is made from it inherits the advice: see map_zeros.
  madvise(page, g_page_size, MADV_HUGEPAGE);
  uintptr_t nothing = 0;
  const uintptr_t address = reinterpret_cast<uintptr_t>(page);
  if (!g_unwritable_zeros.compare_exchange_strong(nothing, address, std::memory_order_acq_rel)) {
    munmap(page, g_page_size);  // another thread was faster
  }
}

bool is_unwritable_zeros(const mapping_info& mapping) {
  const uintptr_t address = g_unwritable_zeros.load(std::memory_order_acquire);
  mapping_info zeros;
  return address != 0 && query_mapping(address, &zeros) == 0 && mapping.inode == zeros.inode &&
         mapping.device == zeros.device;
}

}  // namespace nosigbus
