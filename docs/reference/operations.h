/* SPDX-License-Identifier: MIT
 *
 * The operations of <nosigbus/inline.h>, which that header makes by macros: for the reference only. A test
 * compiles these declarations behind the header, so they are what it has.
 */
#include <nosigbus/inline.h>

/* Loads N bits, at any alignment; atomic (relaxed) at a multiple of N / 8.
 *
 * address: what to load, from memory that may be bad. out: receives it; untouched on error.
 * Returns 0; -EFAULT: the memory is bad. Thread-safe. Async-signal-safe. */
int nosigbus_safe_load8(const volatile void* address, uint8_t* out) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_load16(const volatile void* address, uint16_t* out) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_load32(const volatile void* address, uint32_t* out) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_load64(const volatile void* address, uint64_t* out) NOSIGBUS_NOEXCEPT;

/* Stores N bits, at any alignment; atomic (relaxed) at a multiple of N / 8. One that reaches from a good page
 * into a bad one may have written the part in front.
 *
 * address: where to, in memory that may be bad. value: what.
 * Returns 0; -EFAULT: the memory is bad. Thread-safe. Async-signal-safe. */
int nosigbus_safe_store8(volatile void* address, uint8_t value) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_store16(volatile void* address, uint16_t value) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_store32(volatile void* address, uint32_t value) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_store64(volatile void* address, uint64_t value) NOSIGBUS_NOEXCEPT;

/* Loads N bits with memory_order_acquire.
 *
 * address: a multiple of N / 8. out: receives the value; untouched on error.
 * Returns 0; -EFAULT: the memory is bad. Thread-safe. Async-signal-safe. */
int nosigbus_safe_load_acquire32(const volatile void* address, uint32_t* out) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_load_acquire64(const volatile void* address, uint64_t* out) NOSIGBUS_NOEXCEPT;

/* Stores N bits with memory_order_release.
 *
 * address: a multiple of N / 8. value: what.
 * Returns 0; -EFAULT: the memory is bad. Thread-safe. Async-signal-safe. */
int nosigbus_safe_store_release32(volatile void* address, uint32_t value) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_store_release64(volatile void* address, uint64_t value) NOSIGBUS_NOEXCEPT;

/* Stores value, in place of what is there; memory_order_seq_cst.
 *
 * address: a multiple of N / 8, in memory that can be written. old_out: receives what was there; untouched on
 * error. Returns 0; -EFAULT: the memory is bad. Thread-safe. Async-signal-safe. */
int nosigbus_safe_exchange32(volatile void* address, uint32_t value, uint32_t* old_out) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_exchange64(volatile void* address, uint64_t value, uint64_t* old_out) NOSIGBUS_NOEXCEPT;

/* Adds value to what is there, and wraps around; memory_order_seq_cst.
 *
 * address: a multiple of N / 8, in memory that can be written. old_out: receives what was there; untouched on
 * error. Returns 0; -EFAULT: the memory is bad. Thread-safe. Async-signal-safe. */
int nosigbus_safe_fetch_add32(volatile void* address, uint32_t value, uint32_t* old_out) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_fetch_add64(volatile void* address, uint64_t value, uint64_t* old_out) NOSIGBUS_NOEXCEPT;

/* Stores desired where *expected is; memory_order_seq_cst. Never fails spuriously.
 *
 * address: a multiple of N / 8, in memory that can be written. expected: receives what was there, where that
 * was something else; untouched on error. Returns 1: stored; 0: not, something else was there; -EFAULT: the
 * memory is bad. Thread-safe. Async-signal-safe. */
int nosigbus_safe_compare_exchange32(volatile void* address, uint32_t* expected,
                                     uint32_t desired) NOSIGBUS_NOEXCEPT;
int nosigbus_safe_compare_exchange64(volatile void* address, uint64_t* expected,
                                     uint64_t desired) NOSIGBUS_NOEXCEPT;
