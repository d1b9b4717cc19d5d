/* SPDX-License-Identifier: MIT
 *
 * Any processor and compiler: the operations of <nosigbus/inline.h>, which includes this, as calls into the
 * library.
 */
#ifndef NOSIGBUS_ARCH_PORTABLE_H
#define NOSIGBUS_ARCH_PORTABLE_H

#include <stddef.h>

NOSIGBUS_BEGIN_DECLS

/* NOLINTBEGIN(bugprone-macro-parentheses): of types.
 *
 * By way of an integer: the const that goes is no mistake. */
#define NOSIGBUS_LOAD(name, type, operation)                                                             \
  NOSIGBUS_INLINE int name(const volatile void* address, type* out) NOSIGBUS_NOEXCEPT {                  \
    return nosigbus_inline_call(operation, sizeof(type), (volatile void*)(uintptr_t)address, out, NULL); \
  }
#define NOSIGBUS_STORE(name, type, operation)                                      \
  NOSIGBUS_INLINE int name(volatile void* address, type value) NOSIGBUS_NOEXCEPT { \
    return nosigbus_inline_call(operation, sizeof(type), address, &value, NULL);   \
  }
#define NOSIGBUS_FETCH(name, type, operation)                                                     \
  NOSIGBUS_INLINE int name(volatile void* address, type value, type* old_out) NOSIGBUS_NOEXCEPT { \
    const int result = nosigbus_inline_call(operation, sizeof(type), address, &value, NULL);      \
    if (result == 0) *old_out = value;                                                            \
    return result;                                                                                \
  }
#define NOSIGBUS_COMPARE(name, type)                                                                      \
  NOSIGBUS_INLINE int name(volatile void* address, type* expected, type desired) NOSIGBUS_NOEXCEPT {      \
    return nosigbus_inline_call(NOSIGBUS_DO_COMPARE_EXCHANGE, sizeof(type), address, expected, &desired); \
  }

NOSIGBUS_LOAD(nosigbus_safe_load8, uint8_t, NOSIGBUS_DO_LOAD)
NOSIGBUS_LOAD(nosigbus_safe_load16, uint16_t, NOSIGBUS_DO_LOAD)
NOSIGBUS_LOAD(nosigbus_safe_load32, uint32_t, NOSIGBUS_DO_LOAD)
NOSIGBUS_LOAD(nosigbus_safe_load64, uint64_t, NOSIGBUS_DO_LOAD)
NOSIGBUS_LOAD(nosigbus_load128, nosigbus_bits128, NOSIGBUS_DO_LOAD)
NOSIGBUS_LOAD(nosigbus_safe_load_acquire32, uint32_t, NOSIGBUS_DO_LOAD_ACQUIRE)
NOSIGBUS_LOAD(nosigbus_safe_load_acquire64, uint64_t, NOSIGBUS_DO_LOAD_ACQUIRE)

NOSIGBUS_STORE(nosigbus_safe_store8, uint8_t, NOSIGBUS_DO_STORE)
NOSIGBUS_STORE(nosigbus_safe_store16, uint16_t, NOSIGBUS_DO_STORE)
NOSIGBUS_STORE(nosigbus_safe_store32, uint32_t, NOSIGBUS_DO_STORE)
NOSIGBUS_STORE(nosigbus_safe_store64, uint64_t, NOSIGBUS_DO_STORE)
NOSIGBUS_STORE(nosigbus_store128, nosigbus_bits128, NOSIGBUS_DO_STORE)
NOSIGBUS_STORE(nosigbus_safe_store_release32, uint32_t, NOSIGBUS_DO_STORE_RELEASE)
NOSIGBUS_STORE(nosigbus_safe_store_release64, uint64_t, NOSIGBUS_DO_STORE_RELEASE)

NOSIGBUS_FETCH(nosigbus_safe_exchange32, uint32_t, NOSIGBUS_DO_EXCHANGE)
NOSIGBUS_FETCH(nosigbus_safe_exchange64, uint64_t, NOSIGBUS_DO_EXCHANGE)
NOSIGBUS_FETCH(nosigbus_safe_fetch_add32, uint32_t, NOSIGBUS_DO_FETCH_ADD)
NOSIGBUS_FETCH(nosigbus_safe_fetch_add64, uint64_t, NOSIGBUS_DO_FETCH_ADD)

NOSIGBUS_COMPARE(nosigbus_safe_compare_exchange32, uint32_t)
NOSIGBUS_COMPARE(nosigbus_safe_compare_exchange64, uint64_t)

/* NOLINTEND(bugprone-macro-parentheses) */
#undef NOSIGBUS_LOAD
#undef NOSIGBUS_STORE
#undef NOSIGBUS_FETCH
#undef NOSIGBUS_COMPARE

NOSIGBUS_END_DECLS

#endif
