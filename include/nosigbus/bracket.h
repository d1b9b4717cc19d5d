/* SPDX-License-Identifier: MIT
 *
 * Brackets around reads of a region: was all of it the file's? Part of <nosigbus/region.h>.
 */
#ifndef NOSIGBUS_BRACKET_H
#define NOSIGBUS_BRACKET_H

#include <errno.h>
#include <stdint.h>

#include <nosigbus/abi.h>

NOSIGBUS_BEGIN_DECLS

struct nosigbus_region;

/* Two calls that tell, without a lock, a system call or anything that belongs to a thread, whether what was
 * read between them was the file's:
 *
 *   uint64_t begun = nosigbus_region_begin(region);
 *   draw(nosigbus_region_data(region));
 *   if (nosigbus_region_end(region, begun) != 0) disconnect(client);
 *
 * Any number of brackets may be open, on any threads, nested or not; end may be called on another thread than
 * begin. begun: what nosigbus_region_begin returned. nosigbus_region_end returns 0: no zeros stood in place
 * of the file's pages in the meantime, in any place where the region is or was; -EFAULT: they did, or
 * perhaps a resize moved the region meanwhile. Neither touches the region's memory. The region must not be
 * NULL. Async-signal-safe. Both are macros too, a few instructions without a call for as long as the region
 * is where it began. */
NOSIGBUS_API uint64_t nosigbus_region_begin(const struct nosigbus_region* region) NOSIGBUS_NOEXCEPT;
NOSIGBUS_API int nosigbus_region_end(const struct nosigbus_region* region, uint64_t begun) NOSIGBUS_NOEXCEPT;

/* How every region begins, for these two: part of the ABI, and of no other use. */
struct nosigbus_region_head {
  const void* newest;  /* itself, until nosigbus_region_resize moves it */
  uint64_t generation; /* while it has not moved: as in struct nosigbus_region_status */
} __attribute__((may_alias));

/* What the two macros below stand for. */
NOSIGBUS_INLINE uint64_t nosigbus_inline_region_begin(const struct nosigbus_region* region)
    NOSIGBUS_NOEXCEPT {
  const struct nosigbus_region_head* head = (const struct nosigbus_region_head*)region;
  if (__builtin_expect(__atomic_load_n(&head->newest, __ATOMIC_ACQUIRE) != (const void*)region, 0)) {
    return nosigbus_region_begin(region);
  }
  return __atomic_load_n(&head->generation, __ATOMIC_ACQUIRE);
}
NOSIGBUS_INLINE int nosigbus_inline_region_end(const struct nosigbus_region* region,
                                               uint64_t begun) NOSIGBUS_NOEXCEPT {
  /* What was read in between was read before this. */
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return (begun & 1) == 0 && nosigbus_inline_region_begin(region) == begun ? 0 : -EFAULT;
}
/* NOLINTBEGIN(readability-identifier-naming) */
/* The functions above, without a call. */
#define nosigbus_region_begin(region) nosigbus_inline_region_begin(region)
#define nosigbus_region_end(region, begun) nosigbus_inline_region_end(region, begun)
/* NOLINTEND(readability-identifier-naming) */

NOSIGBUS_END_DECLS

#endif
