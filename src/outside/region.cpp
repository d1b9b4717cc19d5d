// SPDX-License-Identifier: MIT
//
// Regions come and go: map, adopt, release; and tell how they are.
#include <errno.h>
#include <fcntl.h>
#include <nosigbus/region.h>
#include <src/inside/region_facts.h>
#include <src/outside/mapping_info.h>
#include <src/outside/runtime.h>
#include <src/outside/unwritable_zeros.h>
#include <src/outside/versioned_struct.h>
#include <src/shared/counters.h>
#include <src/shared/region_lock.h>
#include <src/shared/region_pool.h>
#include <src/shared/registry.h>
#include <src/shared/thread_state.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace nosigbus {

namespace {

constexpr unsigned adopt_flags =
    NOSIGBUS_DISCARD_WRITES | NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON | NOSIGBUS_CLIP;
constexpr unsigned map_flags = adopt_flags | NOSIGBUS_PRIVATE;
constexpr long hugetlbfs_magic = 0x958458f6;  // linux/magic.h

// What a region is made from, before it has a descriptor.
struct blueprint {
  uintptr_t base = 0;
  size_t size = 0, mapped = 0, granule = 0;
  off_t offset = unknown_offset;
  int fd = -1;  // the caller's
  int prot = 0;
  unsigned flags = 0;
  bool owned = false, has_holes = false, begins_with_hole = false, shared = false;
  bool fd_remaps = false, may_become_writable = true;
};

size_t round_up(size_t value, size_t granule) { return (value + granule - 1) & ~(granule - 1); }

// The unit in which this file's mappings can be changed. -EBADF.
int granule_of(int fd, size_t* out) {
  struct stat status;
  *out = g_page_size;
  if (fstat(fd, &status) != 0) return -errno;
  // Only hugetlbfs has larger units; its preferred block size says so without a second system call.
  if (static_cast<size_t>(status.st_blksize) <= g_page_size) return 0;
  struct statfs filesystem;
  if (fstatfs(fd, &filesystem) == 0 && filesystem.f_type == hugetlbfs_magic) {
    *out = static_cast<size_t>(filesystem.f_bsize);
  }
  return 0;
}

// Makes the region that the blueprint describes visible to signal handlers.
int begin_region(nosigbus_region** out, const blueprint& from) {
  region_descriptor* const region = region_pool::take();
  if (region == nullptr) return -ENOMEM;
  region->base = from.base;
  region->size = from.size;
  region->mapped = from.mapped;
  region->granule = from.granule;
  region->offset = from.offset;
  region->prot = from.prot;
  region->flags = from.flags;
  region->owned = from.owned;
  region->has_holes = from.has_holes;
  region->begins_with_hole = from.begins_with_hole;
  region->shared = from.shared;
  region->overlays_stay_unwritable = from.may_become_writable && (from.flags & NOSIGBUS_DISCARD_WRITES) == 0;
  // Without a descriptor to spare (RLIMIT_NOFILE) the region protects all the same, by its pages alone.
  region->fd = from.fd < 0 ? -1 : fcntl(from.fd, F_DUPFD_CLOEXEC, 3);
  region->fd_remaps = from.fd_remaps && region->fd >= 0;
  region->overlays.clear();
  region->first_bad_offset = UINT64_MAX;
  region->shadow = 0;
  region->isolated = 0;
  region->ever_overlaid = {};
  region->changing = false;
  region->faults.store(0, std::memory_order_relaxed);

  int error = from.fd >= 0 && region->fd < 0 && (from.flags & NOSIGBUS_CLIP) != 0 ? -EMFILE : 0;
  // Counted first: from now on nobody uninstalls the handler.
  counters::add(g_counters.regions);
  if (error == 0 && (from.prot & PROT_WRITE) != 0 && (from.flags & NOSIGBUS_DISCARD_WRITES) == 0) {
    error = runtime::watch_writes_to_overlays();
  }
  watch_reads();
  if (region->overlays_stay_unwritable) make_unwritable_zeros();
  if (error == 0) error = registry::add(*region, from.owned);
  if (error != 0) {
    counters::subtract(g_counters.regions);
    if (region->fd >= 0) close(region->fd);
    region_pool::give(*region);
    return error;
  }
  if ((from.flags & NOSIGBUS_CLIP) != 0) g_overlay_census.begins();
  *out = region;
  return 0;
}

// No handler looks at it any more when this returns.
void end_region(region_descriptor& region) {
  registry::remove(region);
  region.sync->visitors.wait_until_none();
  if (region.shadow != 0) munmap(reinterpret_cast<void*>(region.shadow), region.mapped);
  if (region.owned) munmap(reinterpret_cast<void*>(region.base), region.mapped);
  if (region.fd >= 0) close(region.fd);
  {
    const scoped_signal_block no_signals;
    const region_lock lock(region, no_signals);
    if (!region.overlays.empty()) overlay_ends(region);
    region.overlays.clear();
  }
  if ((region.flags & NOSIGBUS_CLIP) != 0) g_overlay_census.ends();
  counters::subtract(g_counters.regions);
}

// Anonymous memory, and what overlays are made of.
bool is_hole(const mapping_info& info) {
  return (info.inode == 0 && info.device == 0 && !info.shared) || is_unwritable_zeros(info);
}

// Goes through the mappings that make up the range, of which `first` is the first: a file from one offset
// on, perhaps with anonymous memory in its place here and there. -EINVAL: anything else.
int look_through(blueprint& plan, const mapping_info& first) {
  mapping_info file = first;
  bool known = !is_hole(first);
  uintptr_t file_base = plan.base;
  for (uintptr_t at = first.end; at < plan.base + plan.mapped;) {
    mapping_info next;
    if (query_mapping(at, &next) != 0) break;  // gone meanwhile, or no telling
    if (is_hole(next)) {
      plan.has_holes = plan.has_holes || known;
    } else if (!known) {
      known = plan.has_holes = true;
      file = next;
      file_base = at;
    } else if (next.inode != file.inode || next.device != file.device || next.shared != file.shared ||
               next.offset - file.offset != static_cast<off_t>(at - file_base)) {
      return -EINVAL;
    }
    at = next.end;
  }
  plan.begins_with_hole = !known || file_base != plan.base;
  if (!known) return 0;
  plan.shared = file.shared;
  const off_t before = static_cast<off_t>(file_base - plan.base);
  plan.offset = file.offset >= before ? file.offset - before : unknown_offset;
  return 0;
}

// A shared mapping can be made writable if its descriptor is open for writing, a private one always.
bool may_become_writable(const blueprint& plan) {
  return !plan.shared || (plan.prot & PROT_WRITE) != 0 || (fcntl(plan.fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

bool is_live(const region_descriptor& region) { return registry::find(region.base) == &region; }

bool sealed_whole(const region_descriptor& region, uint64_t size) {
  if (region.fd < 0 || size == UINT64_MAX) return false;
  const int seals = fcntl(region.fd, F_GET_SEALS);
  // In this order: a size read before the seal was set could have changed in between.
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && bytes_within(region, file_size(region)) == region.size;
}

}  // namespace

}  // namespace nosigbus

using namespace nosigbus;

int nosigbus_map(nosigbus_region** out, int fd, off_t offset, size_t length, int prot,
                 unsigned flags) noexcept {
  constexpr int known_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
  if (out == nullptr || length == 0 || (flags & ~map_flags) != 0 || (prot & ~known_prot) != 0) return -EINVAL;
  if (offset < 0 || (static_cast<size_t>(offset) & (g_page_size - 1)) != 0) return -EINVAL;
  if (length > static_cast<size_t>(INT64_MAX) - static_cast<size_t>(offset)) return -EOVERFLOW;

  blueprint plan;
  if (const int error = granule_of(fd, &plan.granule)) return error;
  if (length > SIZE_MAX - plan.granule) return -EOVERFLOW;
  plan.size = length;
  plan.mapped = round_up(length, plan.granule);
  plan.shared = (flags & NOSIGBUS_PRIVATE) == 0;
  void* const address = mmap(nullptr, plan.mapped, prot, plan.shared ? MAP_SHARED : MAP_PRIVATE, fd, offset);
  if (address == MAP_FAILED) return -errno;
  plan.base = reinterpret_cast<uintptr_t>(address);
  plan.offset = offset;
  plan.fd = fd;
  plan.prot = prot;
  plan.flags = flags;
  plan.owned = true;
  plan.fd_remaps = true;
  plan.may_become_writable = may_become_writable(plan);
  const int error = begin_region(out, plan);
  if (error != 0) munmap(address, plan.mapped);
  return error;
}

int nosigbus_adopt(nosigbus_region** out, void* address, size_t length, int fd, unsigned flags) noexcept {
  blueprint plan;
  plan.base = reinterpret_cast<uintptr_t>(address);
  if (out == nullptr || plan.base == 0 || length == 0 || (plan.base & (g_page_size - 1)) != 0) return -EINVAL;
  if ((flags & ~adopt_flags) != 0 || ((flags & NOSIGBUS_CLIP) != 0 && fd < 0)) return -EINVAL;
  if (fd < -1) return -EBADF;
  plan.granule = g_page_size;
  if (fd >= 0) {
    if (const int error = granule_of(fd, &plan.granule)) return error;
  }
  // Without /proc: whatever can go wrong is supposed to.
  mapping_info info{UINTPTR_MAX, 1, 1, PROT_READ | PROT_WRITE | PROT_EXEC, true, unknown_offset, 0};
  if (query_mapping(plan.base, &info) == -ENOENT) return -ENOMEM;
  if (info.page_size > plan.granule) plan.granule = info.page_size;
  if ((plan.base & (plan.granule - 1)) != 0) return -EINVAL;
  if (length > SIZE_MAX - plan.granule || plan.base > SIZE_MAX - round_up(length, plan.granule))
    return -EINVAL;
  plan.size = length;
  plan.mapped = round_up(length, plan.granule);
  if (!wholly_mapped(plan.base, plan.base + plan.mapped)) return -ENOMEM;
  plan.offset = info.offset;
  plan.shared = info.shared;
  if (const int error = look_through(plan, info)) return error;
  plan.fd = fd;
  plan.prot = info.prot;
  plan.flags = flags;
  // A shared mapping is brought back from a second mapping of itself, which needs no permission from this
  // fd. A private one has nothing but the fd.
  plan.fd_remaps = !plan.shared && fd >= 0 && plan.offset != unknown_offset;
  return begin_region(out, plan);
}

void* nosigbus_region_data(const nosigbus_region* region) noexcept {
  return region == nullptr ? nullptr : reinterpret_cast<void*>(region->base);
}

size_t nosigbus_region_size(const nosigbus_region* region) noexcept {
  return region == nullptr ? 0 : region->size;
}

int nosigbus_region_status(nosigbus_region* region, struct nosigbus_region_status* out,
                           size_t size) noexcept {
  if (region == nullptr || out == nullptr || size == 0) return -EINVAL;
  struct nosigbus_region_status now {};
  {
    const scoped_signal_block no_signals;
    const region_lock lock(*region, no_signals);
    now.faults = region->faults.load(std::memory_order_relaxed);
    now.generation = region->generation.load(std::memory_order_relaxed);
    now.overlaid = !region->overlays.empty();
    now.first_bad_offset = region->first_bad_offset;
    now.cause = gravest_cause(*region);
  }
  now.file_size = file_size(*region);
  now.sealed = sealed_whole(*region, now.file_size);
  copy_versioned(out, size, &now, sizeof now);
  return 0;
}

int nosigbus_region_release(nosigbus_region* region) noexcept {
  if (region == nullptr || !is_live(*region)) return -EINVAL;
  end_region(*region);
  region_pool::give(*region);
  return 0;
}
