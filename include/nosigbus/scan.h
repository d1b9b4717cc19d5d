/* SPDX-License-Identifier: MIT
 *
 * Guarded scans: they stop at the first bad byte instead of raising SIGBUS.
 *
 * Each function returns the index at which it stopped, exactly to the byte. "Found there" and "bad
 * there" are told apart by nosigbus_last_fault() (copy.h): its cause is NOSIGBUS_NONE when no bad byte
 * was met. Bytes behind the index are not met, whatever became of them.
 *
 * Inside a region (region.h) the region goes first: where it supplies zeros, a scan reads them as
 * data, and nosigbus_last_fault() tells the region's cause where they are part of what was looked at.
 *
 * What the bytes are is read once: when another process changes them meanwhile, the answer is one
 * that was right for each byte at some moment of the call.
 *
 * What surviving a fault takes is said in copy.h, and so is what is thread-safe. A length of 0 touches
 * nothing.
 */
#ifndef NOSIGBUS_SCAN_H
#define NOSIGBUS_SCAN_H

#include <nosigbus/abi.h>
#include <nosigbus/fault.h>

NOSIGBUS_BEGIN_DECLS

/* The length of a string that may be bad or without end, as strnlen(3).
 * Returns the number of bytes, max at most, in front of its NUL or its first bad byte. */
NOSIGBUS_API size_t nosigbus_safe_strnlen(const char* s, size_t max) NOSIGBUS_NOEXCEPT;

/* Copies a string that may be bad, as strncpy(3): n bytes of dst are written, those behind the string
 * with zeros. dst holds no NUL in front of them even if the source changes meanwhile. Source and
 * destination do not overlap. A bad byte of dst is a bug of the caller and is not absorbed.
 * Returns the number of bytes copied, without the NUL, before the first bad byte; with n, dst is not
 * terminated. */
NOSIGBUS_API size_t nosigbus_safe_strncpy(char* dst, const char* src, size_t n) NOSIGBUS_NOEXCEPT;

/* Looks for (unsigned char)c in n bytes that may be bad.
 * Returns the index of the first one, or of the first bad byte before it; n without either. */
NOSIGBUS_API size_t nosigbus_safe_memchr(const void* s, int c, size_t n) NOSIGBUS_NOEXCEPT;

/* Compares n bytes of which either side may be bad.
 * Returns the index of the first byte that differs, or of the first byte that is bad on either side;
 * n when all are the same. The order of two that differ is the caller's to read from there. */
NOSIGBUS_API size_t nosigbus_safe_memcmp(const void* a, const void* b, size_t n) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

#endif
