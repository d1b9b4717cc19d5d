// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <src/outside/unwritable_zeros.h>
#include <src/shared/syscalls.h>
#include <src/shared/thread_state.h>
#include <src/shared/unwritable_zeros.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nosigbus {

constinit std::atomic<uintptr_t> g_unwritable_zeros{0};

namespace {

// Of /dev/zero. Set before the template (relaxed: by its release), the same by all who set them.
constinit std::atomic<uint64_t> g_inode{0}, g_device{0};

}  // namespace

void make_unwritable_zeros() {
  if (g_unwritable_zeros.load(std::memory_order_acquire) != 0) return;
  // Each call by the kernel alone, as the others: ThreadSanitizer would know of a part of the descriptor's
  // life, and mistake the next one under its number for it.
  const long opened = sys::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  if (sys::failed(opened)) return;
  const int zero = static_cast<int>(opened);
  struct stat status {};
  sys::stat_opened(zero, &status);
  g_inode.store(status.st_ino, std::memory_order_relaxed);
  g_device.store(device_number(status.st_dev), std::memory_order_relaxed);
  const long page = sys::mmap(0, g_page_size, PROT_READ, MAP_SHARED, zero, 0);
  sys::close(zero);
  if (sys::failed(page)) return;
  // What is made from it inherits the advice: see map_zeros.
  const uintptr_t address = static_cast<uintptr_t>(page);
  sys::madvise(address, g_page_size, MADV_HUGEPAGE);
  uintptr_t nothing = 0;
  if (!g_unwritable_zeros.compare_exchange_strong(nothing, address, std::memory_order_acq_rel)) {
    sys::munmap(address, g_page_size);  // another thread was faster
  }
}

bool is_unwritable_zeros(const mapping_info& mapping) {
  return g_unwritable_zeros.load(std::memory_order_acquire) != 0 &&
         mapping.inode == g_inode.load(std::memory_order_relaxed) &&
         mapping.device == g_device.load(std::memory_order_relaxed);
}

}  // namespace nosigbus
