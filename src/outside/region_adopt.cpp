// SPDX-License-Identifier: MIT
//
// Regions in mappings that exist.
#include <errno.h>
#include <nosigbus/region.h>
#include <src/inside/mapping_info.h>
#include <src/outside/place.h>
#include <src/outside/unwritable_zeros.h>
#include <src/shared/thread_state.h>
#include <sys/mman.h>

namespace nosigbus {

namespace {

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

}  // namespace

}  // namespace nosigbus

using namespace nosigbus;

int nosigbus_adopt(nosigbus_region** out, void* address, size_t length, int fd, unsigned flags) noexcept {
  blueprint plan;
  plan.base = reinterpret_cast<uintptr_t>(address);
  if (out == nullptr || plan.base == 0 || length == 0 || (plan.base & (g_page_size - 1)) != 0) return -EINVAL;
  if ((flags & ~adopt_flags) != 0 || ((flags & NOSIGBUS_CLIP) != 0 && fd < 0)) return -EINVAL;
  if (fd < -1) return -EBADF;
  plan.granule = g_page_size;
  if (fd >= 0) {
    if (const int error = look_at_file(fd, plan)) return error;
  }
  // Without /proc: whatever can go wrong is supposed to.
  mapping_info info{.begin = 0,
                    .end = UINTPTR_MAX,
                    .device = 1,
                    .inode = 1,
                    .prot = PROT_READ | PROT_WRITE | PROT_EXEC,
                    .shared = true,
                    .offset = unknown_offset,
                    .page_size = 0};
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
  return begin_place(out, plan);
}
