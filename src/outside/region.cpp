// SPDX-License-Identifier: MIT
//
// Regions that map a file, and what all regions have: an address, a size, an end.
#include <errno.h>
#include <linux/magic.h>
#include <nosigbus/region.h>
#include <src/inside/region_facts.h>
#include <src/inside/replace.h>
#include <src/outside/events.h>
#include <src/outside/place.h>
#include <src/shared/thread_state.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace nosigbus {

namespace {

// Zeros come from the one huge zero page, but for the edges of an overlay that are not aligned for it:
// reading all of those takes up to 511 faults, which is most of what a region of 64 MiB costs its readers
// once it is cut off. Smaller ones cost little anyway, and aligning takes three system calls.
constexpr size_t huge_page = size_t{2} << 20;
constexpr size_t worth_aligning = size_t{32} << 20;

// As mmap, where the kernel likes it.
void* map_anywhere(const blueprint& plan, int fd, off_t offset) {
  const int flags = plan.shared ? MAP_SHARED : MAP_PRIVATE;
  const size_t length = plan.mapped, reserved = length + huge_page;
  // Files with larger pages have an alignment of their own.
  const bool align = plan.granule == g_page_size && length >= worth_aligning && reserved > length;
  void* const got =
      align ? mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
            : MAP_FAILED;
  if (got == MAP_FAILED) return mmap(nullptr, length, plan.prot, flags, fd, offset);
  const uintptr_t begin = reinterpret_cast<uintptr_t>(got), base = round_up(begin, huge_page);
  const long result = replace::with_file(base, length, plan.prot, flags, fd, offset);
  if (sys::failed(result)) {
    munmap(got, reserved);
    errno = static_cast<int>(-result);
    return MAP_FAILED;
  }
  void* const address = reinterpret_cast<void*>(base);
  if (base != begin) munmap(got, base - begin);
  const uintptr_t end = base + length;
  munmap(reinterpret_cast<void*>(end), begin + reserved - end);
  return address;
}

// Of all places together, each looked at once: an overlay that is made between two looks would be in the sum
// and not in the mark.
uint64_t generations(const region_descriptor& handle) {
  const region_descriptor* place = newest_place(handle);
  const uint64_t newest = place->generation.load(std::memory_order_acquire);
  if (place->older == nullptr) return newest;
  uint64_t sum = rounded(newest), overlaid = newest & 1;
  while ((place = place->older) != nullptr) {
    const uint64_t value = place->generation.load(std::memory_order_acquire);
    sum += rounded(value);
    overlaid |= value & 1;
  }
  return sum | overlaid;
}

}  // namespace

int look_at_file(int fd, blueprint& plan) {
  struct stat status;
  plan.granule = g_page_size;
  if (fstat(fd, &status) != 0) return -errno;
  plan.fd_device = status.st_dev;
  plan.fd_inode = status.st_ino;
  // Only hugetlbfs has larger units; its preferred block size says so without a second system call.
  if (static_cast<size_t>(status.st_blksize) <= g_page_size) return 0;
  struct statfs filesystem;
  if (fstatfs(fd, &filesystem) == 0 && filesystem.f_type == HUGETLBFS_MAGIC) {
    plan.granule = static_cast<size_t>(filesystem.f_bsize);
  }
  return 0;
}

}  // namespace nosigbus

using namespace nosigbus;

int nosigbus_map(nosigbus_region** out, int fd, off_t offset, size_t length, int prot,
                 unsigned flags) noexcept {
  constexpr int known_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
  if (out == nullptr || length == 0 || (flags & ~map_flags) != 0 || (prot & ~known_prot) != 0) return -EINVAL;
  if (offset < 0 || (static_cast<size_t>(offset) & (g_page_size - 1)) != 0) return -EINVAL;
  if (length > static_cast<size_t>(INT64_MAX) - static_cast<size_t>(offset)) return -EOVERFLOW;

  blueprint plan;
  if (const int error = look_at_file(fd, plan)) return error;
  if (length > SIZE_MAX - plan.granule) return -EOVERFLOW;
  plan.size = length;
  plan.mapped = round_up(length, plan.granule);
  plan.shared = (flags & NOSIGBUS_PRIVATE) == 0;
  plan.prot = prot;
  void* const address = map_anywhere(plan, fd, offset);
  if (address == MAP_FAILED) return -errno;
  plan.base = reinterpret_cast<uintptr_t>(address);
  plan.offset = offset;
  plan.fd = fd;
  plan.flags = flags;
  plan.owned = true;
  plan.fd_remaps = true;
  // A shared mapping can be made writable if its descriptor is open for writing, a private one always.
  plan.ask_descriptor = plan.shared && (prot & PROT_WRITE) == 0;
  const int error = begin_place(out, plan);
  if (error != 0) munmap(address, plan.mapped);
  return error;
}

void* nosigbus_region_data(const nosigbus_region* region) noexcept {
  return usable(region) ? reinterpret_cast<void*>(newest_place(*region)->base) : nullptr;
}

size_t nosigbus_region_size(const nosigbus_region* region) noexcept {
  return usable(region) ? newest_place(*region)->size.load(std::memory_order_acquire) : 0;
}

// In parentheses: not the macros.
uint64_t(nosigbus_region_begin)(const nosigbus_region* region) noexcept { return generations(*region); }

int(nosigbus_region_end)(const nosigbus_region* region, uint64_t begun) noexcept {
  return nosigbus_inline_region_end(region, begun);
}

int nosigbus_region_set_user_data(nosigbus_region* region, const void* tag, void* data) noexcept {
  if (!usable(region)) return -EINVAL;
  region->user_data.store(data, std::memory_order_release);
  region->user_tag.store(tag, std::memory_order_release);  // partner: the acquire below
  return 0;
}

void* nosigbus_region_user_data(const nosigbus_region* region, const void* tag) noexcept {
  // Not asked whether it is usable: the descriptor's memory stays one for ever.
  if (region == nullptr || region->user_tag.load(std::memory_order_acquire) != tag) return nullptr;
  return region->user_data.load(std::memory_order_acquire);
}

int nosigbus_region_release(nosigbus_region* region) noexcept {
  if (!usable(region)) return -EINVAL;
  region->user_tag.store(nullptr, std::memory_order_release);
  region->user_data.store(nullptr, std::memory_order_release);
  region->live.store(false, std::memory_order_seq_cst);
  events::region_ends(*region);
  const int fd = descriptor_of(*region);
  end_region(*region);
  if (fd >= 0) sys::close(fd);  // nobody is cancelled here, as in close(2)
  return 0;
}
