/* SPDX-License-Identifier: MIT
 *
 * x86_64: the operations of <nosigbus/inline.h>, which includes this. One instruction each.
 *
 * Plain loads acquire and plain stores release already; what is left is to keep the compiler in order
 * (Intel SDM vol. 3, 8.2 "Memory Ordering"). A locked instruction reports its fault as a write.
 */
#ifndef NOSIGBUS_ARCH_X86_64_H
#define NOSIGBUS_ARCH_X86_64_H

NOSIGBUS_BEGIN_DECLS

/* Constraint for the address of a function as a constant. */
#define NOSIGBUS_SYMBOL(symbol) "i"(symbol)

#define NOSIGBUS_LOAD(name, bits, fact, instruction, order)                                             \
  NOSIGBUS_DEFINE_LOAD(nosigbus_safe_load##name, uint##bits##_t, nosigbus_any##bits, int64_t, uint64_t, \
                       fact, "r", "m", instruction "[value]", order)
NOSIGBUS_LOAD(8, 8, NOSIGBUS_AT_MOST(UINT8_MAX), "movzbl %[at], %k", NOSIGBUS_UNORDERED)
NOSIGBUS_LOAD(16, 16, NOSIGBUS_AT_MOST(UINT16_MAX), "movzwl %[at], %k", NOSIGBUS_UNORDERED)
NOSIGBUS_LOAD(32, 32, NOSIGBUS_AT_MOST(UINT32_MAX), "movl %[at], %k", NOSIGBUS_UNORDERED)
NOSIGBUS_LOAD(64, 64, NOSIGBUS_ANY_VALUE, "movq %[at], %q", NOSIGBUS_UNORDERED)
NOSIGBUS_LOAD(_acquire32, 32, NOSIGBUS_AT_MOST(UINT32_MAX), "movl %[at], %k", NOSIGBUS_ORDERED)
NOSIGBUS_LOAD(_acquire64, 64, NOSIGBUS_ANY_VALUE, "movq %[at], %q", NOSIGBUS_ORDERED)
#undef NOSIGBUS_LOAD

/* "e": the 32-bit immediate, sign-extended, that movq can store. */
#define NOSIGBUS_STORE(name, bits, constraint, instruction, order)                                      \
  NOSIGBUS_DEFINE_STORE(nosigbus_safe_store##name, uint##bits##_t, nosigbus_any##bits, constraint, "m", \
                        instruction ", %[at]", order)
NOSIGBUS_STORE(8, 8, "ri", "movb %b[value]", NOSIGBUS_UNORDERED)
NOSIGBUS_STORE(16, 16, "ri", "movw %w[value]", NOSIGBUS_UNORDERED)
NOSIGBUS_STORE(32, 32, "ri", "movl %k[value]", NOSIGBUS_UNORDERED)
NOSIGBUS_STORE(64, 64, "re", "movq %q[value]", NOSIGBUS_UNORDERED)
NOSIGBUS_STORE(_release32, 32, "ri", "movl %k[value]", NOSIGBUS_ORDERED)
NOSIGBUS_STORE(_release64, 64, "re", "movq %q[value]", NOSIGBUS_ORDERED)
#undef NOSIGBUS_STORE

#ifdef __AVX__
#define NOSIGBUS_MOVE128 "vmovdqu"
#else
#define NOSIGBUS_MOVE128 "movdqu"
#endif
#ifdef __SSE2__
NOSIGBUS_DEFINE_LOAD(nosigbus_load128, nosigbus_bits128, nosigbus_any128, nosigbus_output128,
                     nosigbus_bits128, NOSIGBUS_ANY_VALUE, "x", "m", NOSIGBUS_MOVE128 " %[at], %[value]",
                     NOSIGBUS_UNORDERED)
NOSIGBUS_DEFINE_STORE(nosigbus_store128, nosigbus_bits128, nosigbus_any128, "x", "m",
                      NOSIGBUS_MOVE128 " %[value], %[at]", NOSIGBUS_UNORDERED)
#endif

/* exchange and fetch_add: the register that brings the value takes the old one away. */
#define NOSIGBUS_UPDATE(name, bits, instruction)                                               \
  NOSIGBUS_INLINE int nosigbus_safe_##name##bits(volatile void* address, uint##bits##_t value, \
                                                 uint##bits##_t* old_out) NOSIGBUS_NOEXCEPT {  \
    int##bits##_t both;                                                                        \
    NOSIGBUS_LAUNDER("r", value);                                                              \
    both = (int##bits##_t)value;                                                               \
    NOSIGBUS_ASM_GOTO(NOSIGBUS_GUARDED("update", instruction " %[both], %[at]", "3")           \
                      : [both] "+r"(both)                                                      \
                      : [at] "m"(*(volatile uint##bits##_t*)address), NOSIGBUS_GUARDED_INPUTS  \
                      : "memory", "cc"                                                         \
                      : bad);                                                                  \
    value = (uint##bits##_t)both;                                                              \
    NOSIGBUS_LAUNDER("r", value);                                                              \
    *old_out = value;                                                                          \
    return 0;                                                                                  \
  bad:                                                                                         \
    NOSIGBUS_RETURN_FAULT;                                                                     \
  }
NOSIGBUS_UPDATE(exchange, 32, "xchgl")
NOSIGBUS_UPDATE(exchange, 64, "xchgq")
NOSIGBUS_UPDATE(fetch_add, 32, "lock xaddl")
NOSIGBUS_UPDATE(fetch_add, 64, "lock xaddq")
#undef NOSIGBUS_UPDATE

#define NOSIGBUS_COMPARE_EXCHANGE(bits, instruction)                                                         \
  NOSIGBUS_INLINE int nosigbus_safe_compare_exchange##bits(volatile void* address, uint##bits##_t* expected, \
                                                           uint##bits##_t desired) NOSIGBUS_NOEXCEPT {       \
    const uint##bits##_t wanted = *expected;                                                                 \
    uint##bits##_t found = wanted;                                                                           \
    int##bits##_t both;                                                                                      \
    NOSIGBUS_LAUNDER("r", found);                                                                            \
    both = (int##bits##_t)found;                                                                             \
    NOSIGBUS_ASM_GOTO(NOSIGBUS_GUARDED("compare", instruction " %[desired], %[at]", "3")                     \
                      : "+a"(both)                                                                           \
                      : [desired] "r"(desired), [at] "m"(*(volatile uint##bits##_t*)address),                \
                        NOSIGBUS_GUARDED_INPUTS                                                              \
                      : "memory", "cc"                                                                       \
                      : bad);                                                                                \
    found = (uint##bits##_t)both;                                                                            \
    NOSIGBUS_LAUNDER("r", found);                                                                            \
    if (found == wanted) return 1;                                                                           \
    *expected = found;                                                                                       \
    return 0;                                                                                                \
  bad:                                                                                                       \
    NOSIGBUS_RETURN_FAULT;                                                                                   \
  }
NOSIGBUS_COMPARE_EXCHANGE(32, "lock cmpxchgl")
NOSIGBUS_COMPARE_EXCHANGE(64, "lock cmpxchgq")
#undef NOSIGBUS_COMPARE_EXCHANGE

NOSIGBUS_END_DECLS

#endif
