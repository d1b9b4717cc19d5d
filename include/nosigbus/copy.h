/* SPDX-License-Identifier: MIT
 *
 * Guarded copies: they stop at the first bad byte instead of raising SIGBUS.
 *
 * Each function returns how many bytes were copied before the first bad byte, exactly to the byte,
 * and n when none was bad. The reason is in nosigbus_last_fault(). The work is done by plain loads
 * and stores: no system call, no lock, no allocation, unless a fault happens.
 *
 * The bad side is named by the function: of nosigbus_safe_read it is the source. A fault on the other
 * side is a bug of the caller and is not absorbed.
 *
 * Inside a region (region.h) the region goes first: where it supplies zeros, a copy reads on through
 * them, returns n, and nosigbus_last_fault() tells the region's cause.
 *
 * Surviving a fault takes nosigbus_install() or an embedder's nosigbus_handle_signal(); SIGSEGV
 * (nothing mapped, not permitted) takes NOSIGBUS_CATCH_SEGV besides. Without a fault nothing of that
 * is needed. Overlapping source and destination are not supported, as with memcpy. A length of 0
 * touches nothing.
 *
 * All functions are thread-safe and async-signal-safe (the fault record belongs to the thread: a
 * signal handler that copies replaces it).
 */
#ifndef NOSIGBUS_COPY_H
#define NOSIGBUS_COPY_H

#include <nosigbus/abi.h>
#include <nosigbus/fault.h>

NOSIGBUS_BEGIN_DECLS

/* Copies n bytes from a source that may be bad. The rest of dst, from the first bad byte on, is
 * zeroed, so that all n bytes of dst are defined.
 * Returns the number of bytes copied. */
NOSIGBUS_API size_t nosigbus_safe_read(void* dst, const void* src, size_t n) NOSIGBUS_NOEXCEPT;

/* Copies n bytes to a destination that may be bad. Nothing behind the first bad byte is written.
 * Returns the number of bytes written. */
NOSIGBUS_API size_t nosigbus_safe_write(void* dst, const void* src, size_t n) NOSIGBUS_NOEXCEPT;

/* Copies n bytes where either side may be bad. After a bad source byte the rest of dst is zeroed, up
 * to the end or to dst's own first bad byte.
 * Returns the number of bytes copied before the first byte that was bad on either side. */
NOSIGBUS_API size_t nosigbus_safe_copy(void* dst, const void* src, size_t n) NOSIGBUS_NOEXCEPT;

/* Fills n bytes of a destination that may be bad with (unsigned char)byte.
 * Returns the number of bytes written. */
NOSIGBUS_API size_t nosigbus_safe_fill(void* dst, int byte, size_t n) NOSIGBUS_NOEXCEPT;

/* Copies a rectangle: `rows` rows of row_bytes bytes each, of which the source may be bad. Row i begins
 * i * stride bytes behind the first one; strides may be negative, zero, or less than a row. Rows are
 * copied in order, gaps between rows are never touched. The rest of dst's rows, from the first bad
 * byte on, is zeroed; a sum of rows that is no size_t touches nothing.
 * Returns the number of bytes of rows copied, in row order, before the first bad byte. */
NOSIGBUS_API size_t nosigbus_safe_read_2d(void* dst, ptrdiff_t dst_stride, const void* src,
                                          ptrdiff_t src_stride, size_t row_bytes,
                                          size_t rows) NOSIGBUS_NOEXCEPT;

/* The same to a destination that may be bad. Of it, nothing in row order behind the first bad byte is
 * written. */
NOSIGBUS_API size_t nosigbus_safe_write_2d(void* dst, ptrdiff_t dst_stride, const void* src,
                                           ptrdiff_t src_stride, size_t row_bytes,
                                           size_t rows) NOSIGBUS_NOEXCEPT;

/* What the calling thread's last guarded operation met.
 *
 * Returns a record that belongs to the calling thread and holds until its next guarded operation;
 * never NULL. `cause` is NOSIGBUS_NONE when the operation met nothing; otherwise `address` is the
 * first bad byte (of the bad side), or where zeros were supplied, the first of them.
 * Thread-safe. Async-signal-safe. */
NOSIGBUS_API const struct nosigbus_fault* nosigbus_last_fault(void) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

/* Strings and searches; and single integers, at the cost of a plain load or store. */
#include <nosigbus/inline.h>
#include <nosigbus/scan.h>

#endif
