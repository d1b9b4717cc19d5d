/* SPDX-License-Identifier: MIT
 *
 * aarch64: the operations of <nosigbus/inline.h>, which includes this. One instruction each with the
 * atomics of ARMv8.1 (LSE), where the compiler may use them; else read-modify-write is a loop of an exclusive
 * load and an exclusive store, each with its row. Which of the two accesses a fault of an atomic is reported
 * as depends on the processor and on emulators, so these rows guard both.
 */
#ifndef NOSIGBUS_ARCH_AARCH64_H
#define NOSIGBUS_ARCH_AARCH64_H

NOSIGBUS_BEGIN_DECLS

/* Constraint for the address of a function as a constant. */
#define NOSIGBUS_SYMBOL(symbol) "S"(symbol)

/* Q: a base register alone, which is all that the ordered instructions can address. */
#define NOSIGBUS_LOAD(name, bits, fact, memory, instruction, order)                                     \
  NOSIGBUS_DEFINE_LOAD(nosigbus_safe_load##name, uint##bits##_t, nosigbus_any##bits, int64_t, uint64_t, \
                       fact, "r", memory, instruction "[value], %[at]", order)
NOSIGBUS_LOAD(8, 8, NOSIGBUS_AT_MOST(UINT8_MAX), "m", "ldrb %w", NOSIGBUS_UNORDERED)
NOSIGBUS_LOAD(16, 16, NOSIGBUS_AT_MOST(UINT16_MAX), "m", "ldrh %w", NOSIGBUS_UNORDERED)
NOSIGBUS_LOAD(32, 32, NOSIGBUS_AT_MOST(UINT32_MAX), "m", "ldr %w", NOSIGBUS_UNORDERED)
NOSIGBUS_LOAD(64, 64, NOSIGBUS_ANY_VALUE, "m", "ldr %x", NOSIGBUS_UNORDERED)
NOSIGBUS_LOAD(_acquire32, 32, NOSIGBUS_AT_MOST(UINT32_MAX), "Q", "ldar %w", NOSIGBUS_ORDERED)
NOSIGBUS_LOAD(_acquire64, 64, NOSIGBUS_ANY_VALUE, "Q", "ldar %x", NOSIGBUS_ORDERED)
#undef NOSIGBUS_LOAD

/* Z: zero, from the zero register. */
#define NOSIGBUS_STORE(name, bits, memory, instruction, order)                                       \
  NOSIGBUS_DEFINE_STORE(nosigbus_safe_store##name, uint##bits##_t, nosigbus_any##bits, "rZ", memory, \
                        instruction "[value], %[at]", order)
NOSIGBUS_STORE(8, 8, "m", "strb %w", NOSIGBUS_UNORDERED)
NOSIGBUS_STORE(16, 16, "m", "strh %w", NOSIGBUS_UNORDERED)
NOSIGBUS_STORE(32, 32, "m", "str %w", NOSIGBUS_UNORDERED)
NOSIGBUS_STORE(64, 64, "m", "str %x", NOSIGBUS_UNORDERED)
NOSIGBUS_STORE(_release32, 32, "Q", "stlr %w", NOSIGBUS_ORDERED)
NOSIGBUS_STORE(_release64, 64, "Q", "stlr %x", NOSIGBUS_ORDERED)
#undef NOSIGBUS_STORE

#ifdef __ARM_NEON
NOSIGBUS_DEFINE_LOAD(nosigbus_load128, nosigbus_bits128, nosigbus_any128, nosigbus_output128,
                     nosigbus_bits128, NOSIGBUS_ANY_VALUE, "w", "Q", "ldr %q[value], %[at]",
                     NOSIGBUS_UNORDERED)
NOSIGBUS_DEFINE_STORE(nosigbus_store128, nosigbus_bits128, nosigbus_any128, "w", "Q", "str %q[value], %[at]",
                      NOSIGBUS_UNORDERED)
#endif

/* r: the letter of a register's width. change: what makes `fresh` out of `old` and `value`, if anything.
 * casal takes the expected value in the register that brings the old one back. */
#ifdef __ARM_FEATURE_ATOMICS
#define NOSIGBUS_EXCHANGE(r) NOSIGBUS_GUARDED("swap", "swpal %" r "[value], %" r "[old], %[at]", "3")
#define NOSIGBUS_FETCH_ADD(r) NOSIGBUS_GUARDED("add", "ldaddal %" r "[value], %" r "[old], %[at]", "3")
#define NOSIGBUS_COMPARE_AND_SWAP(r) \
  "mov %" r "[old], %" r             \
  "[wanted]\n\t" NOSIGBUS_GUARDED("compare", "casal %" r "[old], %" r "[value], %[at]", "3")
#else
#define NOSIGBUS_EXCLUSIVE_LOAD(r) \
  ".Lnosigbus_again%=:\n\t" NOSIGBUS_GUARDED("load", "ldaxr %" r "[old], %[at]", "3")
#define NOSIGBUS_EXCLUSIVE_STORE(r, from)                                     \
  NOSIGBUS_GUARDED("store", "stlxr %w[failed], %" r "[" from "], %[at]", "3") \
  "cbnz %w[failed], .Lnosigbus_again%=\n\t"
#define NOSIGBUS_EXCHANGE(r) NOSIGBUS_EXCLUSIVE_LOAD(r) NOSIGBUS_EXCLUSIVE_STORE(r, "value")
#define NOSIGBUS_FETCH_ADD(r) \
  NOSIGBUS_EXCLUSIVE_LOAD(r)  \
  "add %" r "[fresh], %" r "[old], %" r "[value]\n\t" NOSIGBUS_EXCLUSIVE_STORE(r, "fresh")
#define NOSIGBUS_COMPARE_AND_SWAP(r)                                                           \
  NOSIGBUS_EXCLUSIVE_LOAD(r)                                                                   \
  "cmp %" r "[old], %" r "[wanted]\n\tb.ne .Lnosigbus_differs%=\n\t" NOSIGBUS_EXCLUSIVE_STORE( \
      r, "value") ".Lnosigbus_differs%=:\n\t"
#endif

/* wanted: for compare_exchange alone. Outputs are early: a loop reads its inputs again. */
#define NOSIGBUS_UPDATE(text, bits)                                                             \
  int##bits##_t output, fresh;                                                                  \
  int32_t failed;                                                                               \
  uint##bits##_t old;                                                                           \
  NOSIGBUS_ASM_GOTO(                                                                            \
      text                                                                                      \
      : [old] "=&r"(output), [fresh] "=&r"(fresh), [failed] "=&r"(failed)                       \
      : [value] "r"(value), [wanted] "r"(wanted), [at] "Q"(*(volatile uint##bits##_t*)address), \
        NOSIGBUS_GUARDED_INPUTS                                                                 \
      : "memory", "cc"                                                                          \
      : bad);                                                                                   \
  (void)fresh, (void)failed;                                                                    \
  old = (uint##bits##_t)output;                                                                 \
  NOSIGBUS_LAUNDER("r", old)

#define NOSIGBUS_FETCH(name, bits, text)                                                       \
  NOSIGBUS_INLINE int nosigbus_safe_##name##bits(volatile void* address, uint##bits##_t value, \
                                                 uint##bits##_t* old_out) NOSIGBUS_NOEXCEPT {  \
    const uint##bits##_t wanted = value;                                                       \
    NOSIGBUS_UPDATE(text, bits);                                                               \
    *old_out = old;                                                                            \
    return 0;                                                                                  \
  bad:                                                                                         \
    NOSIGBUS_RETURN_FAULT;                                                                     \
  }
NOSIGBUS_FETCH(exchange, 32, NOSIGBUS_EXCHANGE("w"))
NOSIGBUS_FETCH(exchange, 64, NOSIGBUS_EXCHANGE("x"))
NOSIGBUS_FETCH(fetch_add, 32, NOSIGBUS_FETCH_ADD("w"))
NOSIGBUS_FETCH(fetch_add, 64, NOSIGBUS_FETCH_ADD("x"))
#undef NOSIGBUS_FETCH

#define NOSIGBUS_COMPARE_EXCHANGE(bits, text)                                                                \
  NOSIGBUS_INLINE int nosigbus_safe_compare_exchange##bits(volatile void* address, uint##bits##_t* expected, \
                                                           uint##bits##_t value) NOSIGBUS_NOEXCEPT {         \
    const uint##bits##_t wanted = *expected;                                                                 \
    NOSIGBUS_UPDATE(text, bits);                                                                             \
    if (old == wanted) return 1;                                                                             \
    *expected = old;                                                                                         \
    return 0;                                                                                                \
  bad:                                                                                                       \
    NOSIGBUS_RETURN_FAULT;                                                                                   \
  }
NOSIGBUS_COMPARE_EXCHANGE(32, NOSIGBUS_COMPARE_AND_SWAP("w"))
NOSIGBUS_COMPARE_EXCHANGE(64, NOSIGBUS_COMPARE_AND_SWAP("x"))
#undef NOSIGBUS_COMPARE_EXCHANGE
#undef NOSIGBUS_UPDATE

NOSIGBUS_END_DECLS

#endif
