/* SPDX-License-Identifier: MIT
 *
 * Any processor and compiler: the loads and stores of <nosigbus/inline.h>, which includes this, by way of
 * the guarded copies.
 */
#ifndef NOSIGBUS_ARCH_PORTABLE_H
#define NOSIGBUS_ARCH_PORTABLE_H

#include <nosigbus/copy.h>

NOSIGBUS_BEGIN_DECLS

#define NOSIGBUS_INLINE_ATOMICS 0

/* By way of an integer: the volatile that goes is no mistake. */
#define NOSIGBUS_PLAIN(type, pointer) ((type)(uintptr_t)(pointer))

/* NOLINTBEGIN(bugprone-macro-parentheses): of types. */
#define NOSIGBUS_LOAD(name, type)                                                                       \
  NOSIGBUS_INLINE int name(const volatile void* address, type* out) NOSIGBUS_NOEXCEPT {                 \
    const size_t size = sizeof(type);                                                                   \
    type value;                                                                                         \
    if (nosigbus_safe_read(&value, NOSIGBUS_PLAIN(const void*, address), size) != size) return -EFAULT; \
    *out = value;                                                                                       \
    return 0;                                                                                           \
  }
NOSIGBUS_LOAD(nosigbus_safe_load8, uint8_t)
NOSIGBUS_LOAD(nosigbus_safe_load16, uint16_t)
NOSIGBUS_LOAD(nosigbus_safe_load32, uint32_t)
NOSIGBUS_LOAD(nosigbus_safe_load64, uint64_t)
NOSIGBUS_LOAD(nosigbus_load128, nosigbus_bits128)
#undef NOSIGBUS_LOAD

#define NOSIGBUS_STORE(name, type)                                                                  \
  NOSIGBUS_INLINE int name(volatile void* address, type value) NOSIGBUS_NOEXCEPT {                  \
    const size_t size = sizeof(type);                                                               \
    return nosigbus_safe_write(NOSIGBUS_PLAIN(void*, address), &value, size) == size ? 0 : -EFAULT; \
  }
NOSIGBUS_STORE(nosigbus_safe_store8, uint8_t)
NOSIGBUS_STORE(nosigbus_safe_store16, uint16_t)
NOSIGBUS_STORE(nosigbus_safe_store32, uint32_t)
NOSIGBUS_STORE(nosigbus_safe_store64, uint64_t)
NOSIGBUS_STORE(nosigbus_store128, nosigbus_bits128)
/* NOLINTEND(bugprone-macro-parentheses) */
#undef NOSIGBUS_STORE
#undef NOSIGBUS_PLAIN

NOSIGBUS_END_DECLS

#endif
