// SPDX-License-Identifier: MIT
#include <errno.h>
#include <src/wayland/mapping.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

namespace nosigbus::wayland {

namespace {

constexpr unsigned absorb_all = NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON;

// Of a shared mapping, mremap(2) with an old size of 0 makes a second one: the file's descriptor, which
// libwayland has closed, is not needed for it.
void* duplicate(uintptr_t begin, size_t length) {
  return mremap(reinterpret_cast<void*>(begin), 0, length, MREMAP_MAYMOVE);
}

int guard(guarded_mapping& out, bool writable) {
  // A view is read by code that does not expect to write: zeros can then be those of the one huge page.
  if (!writable && mprotect(out.address, out.length, PROT_READ) != 0) return -errno;
  return nosigbus_adopt(&out.region, out.address, out.length, -1,
                        writable ? absorb_all | NOSIGBUS_DISCARD_WRITES : absorb_all);
}

}  // namespace

int map_again(guarded_mapping& out, const void* data, size_t size, bool writable) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = reinterpret_cast<uintptr_t>(data), begin = first & ~(page - 1);
  if (size == 0 || size > SIZE_MAX - page - first) return -EINVAL;
  out.length = ((first + size + page - 1) & ~(page - 1)) - begin;
  out.address = duplicate(begin, out.length);
  // EINVAL: not a shared mapping, or huge pages. EFAULT: more than one mapping, or such as must not grow.
  if (out.address == MAP_FAILED) return errno == EINVAL || errno == EFAULT ? -ENOTSUP : -ENOMEM;
  const int error = guard(out, writable);
  if (error != 0) munmap(out.address, out.length);
  return error;
}

void unmap(const guarded_mapping& mapping) {
  nosigbus_region_release(mapping.region);
  munmap(mapping.address, mapping.length);
}

}  // namespace nosigbus::wayland
