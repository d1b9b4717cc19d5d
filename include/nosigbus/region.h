/* SPDX-License-Identifier: MIT
 *
 * Regions: mappings whose missing pages read as zeros instead of raising SIGBUS.
 *
 * Any code may read a region: any thread, any library that never heard of nosigbus. When a page of
 * the file is missing, an overlay of anonymous zero pages takes its place and the faulting instruction
 * goes on. What is left of the file in front stays live. It concerns this mapping alone: other maps
 * of the file never notice, and the zeros never become part of the file.
 *
 * By default only *end of file* is absorbed, and only for reads: a write to a missing page, an I/O
 * error, poisoned memory go to the previous handler as if there were no region. Flags widen that.
 * An instruction fetch from a missing page is never absorbed.
 *
 * Unless noted, every function is thread-safe and not async-signal-safe, and answers a NULL region
 * with -EINVAL. Releasing a region while another thread uses it or its memory is the caller's bug,
 * as with munmap; so is using it afterwards, which a library built with NOSIGBUS_CHECKS (Debug builds) ends
 * with a message and abort(3).
 */
#ifndef NOSIGBUS_REGION_H
#define NOSIGBUS_REGION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <nosigbus/abi.h>
#include <nosigbus/bracket.h>
#include <nosigbus/fault.h>

NOSIGBUS_BEGIN_DECLS

/* A region: opaque. */
struct nosigbus_region;

/* Flags of nosigbus_map and nosigbus_adopt. */

/* A write to a missing page goes to a private zero page, which nosigbus_region_refresh drops: it never
 * reaches the file. Without this flag an overlay is read-only, and mprotect(2) refuses to make it writable
 * (EACCES), also as part of a larger range. */
#define NOSIGBUS_DISCARD_WRITES 0x1u
/* Absorb I/O errors and full file systems too (NOSIGBUS_IO). */
#define NOSIGBUS_ABSORB_IO 0x2u
/* Absorb poisoned memory too (NOSIGBUS_POISON). */
#define NOSIGBUS_ABSORB_POISON 0x4u
/* Guarded reads (nosigbus_safe_read, _safe_copy) give zeros for the bytes past the end of file in its
 * last, partial page, where the other side can leave what it likes. Plain loads see them as they are.
 * Needs the file descriptor: -EINVAL in nosigbus_adopt with fd -1. */
#define NOSIGBUS_CLIP 0x8u
/* nosigbus_map: a private copy-on-write mapping instead of a shared one. */
#define NOSIGBUS_PRIVATE 0x10u

/* Maps a file as a region.
 *
 * out: receives the region; untouched on error. fd: as for mmap(2); the caller may close it afterwards
 *   (the library keeps a duplicate; when no descriptor is to be had, the region still protects but
 *   knows the file's size only from its pages). offset: bytes, a multiple of the page size. length:
 *   bytes, > 0, any; may reach beyond the end of the file, what lies there reads as zeros. prot:
 *   PROT_READ, PROT_WRITE, PROT_EXEC or PROT_NONE, as for mmap(2). flags: above.
 * Returns 0; -EINVAL: out NULL, length 0, offset negative or unaligned, unknown prot or flags;
 *   -EOVERFLOW: offset + length does not fit; -ENOMEM; -EMFILE: NOSIGBUS_CLIP, and no descriptor to spare; or
 *   what mmap(2) says of the descriptor: -EBADF, -EACCES (opened without the access that prot needs), -ENODEV
 *   (pipe, directory, socket); -EEXIST: there is a region whose memory was unmapped before its release.
 * Works before nosigbus_install; absorbing faults takes it, or nosigbus_handle_signal. */
NOSIGBUS_API int nosigbus_map(struct nosigbus_region** out, int fd, off_t offset, size_t length, int prot,
                              unsigned flags) NOSIGBUS_NOEXCEPT;

/* Makes an existing mapping a region.
 *
 * out: receives the region; untouched on error. address: page-aligned start of the mapping. length: bytes,
 *   > 0. fd: the mapped file, or -1; the caller may close it afterwards. With it, end of file is told from
 *   I/O error by the file's size, and private mappings can be refreshed. Without it, a page counts as past
 *   the end of file when no page behind it can be supplied either, of those that are looked at, and always
 *   in a private mapping with anonymous memory in it; and huge pages take Linux 6.11 for faults to be
 *   absorbed. flags: above, without NOSIGBUS_PRIVATE.
 * Returns 0; -EINVAL: out NULL, address NULL or unaligned, length 0, the range wraps, unknown flags, or the
 *   range is more than one file's pages in a row (anonymous memory in their place is accepted; refresh does
 *   not replace it, but an overlay that begins in front of it does); -EBADF: fd neither -1 nor open; -ENOMEM:
 *   the range is not wholly mapped, or no memory; -EMFILE: NOSIGBUS_CLIP, and no descriptor to spare;
 *   -EEXIST: it overlaps a region. On error nothing has changed, unless a thread met a missing page in the
 *   range at that moment: zeros may stand there. */
NOSIGBUS_API int nosigbus_adopt(struct nosigbus_region** out, void* address, size_t length, int fd,
                                unsigned flags) NOSIGBUS_NOEXCEPT;

/* Start address of the region, where it is now (nosigbus_region_resize may move it); NULL for a NULL region.
 * Async-signal-safe. */
NOSIGBUS_API void* nosigbus_region_data(const struct nosigbus_region* region) NOSIGBUS_NOEXCEPT;

/* Length of the region in bytes, as it was asked for; 0 for a NULL region. Async-signal-safe. */
NOSIGBUS_API size_t nosigbus_region_size(const struct nosigbus_region* region) NOSIGBUS_NOEXCEPT;

/* How a region is at one moment. */
struct nosigbus_region_status {
  /* Faults absorbed in this region since it began. */
  uint64_t faults;
  /* Changes whenever an overlay is made or taken away; odd while the region is overlaid. Equal even
   * values before and after a read: the region was whole all the time. */
  uint64_t generation;
  /* While overlaid: offset in the region of the first missing byte where the file's size is known,
   * else of the page that faulted first. UINT64_MAX otherwise. */
  uint64_t first_bad_offset;
  /* Size of the file in bytes now, UINT64_MAX where unknown (no descriptor, or no regular file). */
  uint64_t file_size;
  /* Why the region is overlaid; NOSIGBUS_NONE while it is not. */
  enum nosigbus_cause cause;
  /* Part of the region reads as zeros now in place of the file. */
  bool overlaid;
  /* Truncation is impossible: the file is sealed against shrinking *and* the region lies within it. */
  bool sealed;
};

/* Tells how the region is.
 *
 * out: receives the first `size` bytes. size: sizeof(struct nosigbus_region_status) as the caller
 *   knows it, in bytes; what the library does not know is filled with zeros.
 * Returns 0, or -EINVAL: region or out NULL, size 0. */
NOSIGBUS_API int nosigbus_region_status(struct nosigbus_region* region, struct nosigbus_region_status* out,
                                        size_t size) NOSIGBUS_NOEXCEPT;

/* Puts the file's pages back where the file has grown again. Writes that NOSIGBUS_DISCARD_WRITES took
 * are dropped with the overlay; private pages in front of it stay. Concurrent readers see either the
 * zeros or the file. What is put back has the protection of the pages in front of it; where none is left,
 * that of nosigbus_map, or the one that an adopted mapping had when it was overlaid.
 *
 * Returns 1: the region is whole, all of it is the file's data again, also when it never was not (where the
 *   file's size is not known, whole pages are what is seen; after I/O errors, some of them are looked at);
 *   0: the file is still too short, as much as there is has been put back; -ENOTSUP: the overlay cannot be
 *   taken back (adopted without fd: huge pages, and before Linux 5.13 private mappings; anonymous
 *   memory that was adopted);
 *   -ENOMEM: map limit reached, or no address space to make the mapping in before it goes where the overlay
 *   is; or what mmap(2) says of the descriptor. What could not be put back stays zeros. */
NOSIGBUS_API int nosigbus_region_refresh(struct nosigbus_region* region) NOSIGBUS_NOEXCEPT;

/* Brings a part of the region into memory, so that a *system call* may be given it: write(2), sendmsg(2),
 * io_uring and ioctls fail with EFAULT where a page is missing, or do less than was asked, and no signal
 * handler can help them. What is missing is overlaid with zeros, as if it had been read; status and events
 * tell. docs/system-calls.md shows how to use it.
 *
 * offset: bytes from the beginning of the region. length: bytes; 0 does nothing.
 * Returns 0: each page can be read now; -EINVAL: not within the region; -EFAULT: a page cannot be read for a
 *   reason that the region does not absorb (I/O error, poison, protection), or overlays cannot be made.
 * The file can be cut off again before the system call reads the page, which it then says (EFAULT, or a short
 * count): repeat both, or give it a copy (nosigbus_safe_read). */
NOSIGBUS_API int nosigbus_region_prefault(struct nosigbus_region* region, size_t offset,
                                          size_t length) NOSIGBUS_NOEXCEPT;

/* Makes the region longer or shorter, when the other side has said that the file's size is another.
 *
 * new_length: bytes, > 0; may reach beyond the end of the file.
 * Returns 0: nosigbus_region_size is new_length, and nosigbus_region_data may be another address. A region
 * that grows moves unless there is room behind it, and makes room when it moves. Where it was before stays
 * mapped and guarded, with the length that it had, until the region's release: readers that still use the old
 * address are safe, and see the same file. A region that shrinks never moves; what is behind new_length is
 * mapped no more (of an adopted mapping: guarded no more), so nobody may use it then. -EINVAL: region NULL or
 * not live, new_length 0; -EOVERFLOW: offset + new_length does not fit; -ENOTSUP: a writable private mapping
 * that would have to move, which would lose what was written to it, or a mapping of which nothing is left to
 * duplicate and that was adopted without a descriptor; -ENOMEM: no address space or map limit reached;
 * -EEXIST: as nosigbus_map. On error the region is as it was. Concurrent calls for it wait for each other. */
NOSIGBUS_API int nosigbus_region_resize(struct nosigbus_region* region, size_t new_length) NOSIGBUS_NOEXCEPT;

/* Leaves a pointer with the region, for whoever meets it in an event: what of the program it is.
 *
 * tag: an address that says whose pointer it is, as that of a static variable; a region has one pointer, the
 *   last one that was set. data: anything.
 * nosigbus_region_set_user_data returns 0, or -EINVAL. nosigbus_region_user_data returns data if it was set
 * with this tag, else NULL. It may be asked of a region that another thread may have released meanwhile, as
 * one that an event names: the answer is NULL then, or that of a region which came to have its place. Setting
 * and asking at once is the caller's to keep apart. Both are async-signal-safe. */
NOSIGBUS_API int nosigbus_region_set_user_data(struct nosigbus_region* region, const void* tag,
                                               void* data) NOSIGBUS_NOEXCEPT;
NOSIGBUS_API void* nosigbus_region_user_data(const struct nosigbus_region* region,
                                             const void* tag) NOSIGBUS_NOEXCEPT;

/* Ends the region. A mapping made by nosigbus_map or _resize is unmapped; an adopted one stays as it is,
 * overlays included. Waits for signal handlers that are at work in this region, for nothing else.
 *
 * Returns 0, or -EINVAL: region NULL or not live. */
NOSIGBUS_API int nosigbus_region_release(struct nosigbus_region* region) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

#endif
