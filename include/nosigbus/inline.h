/* SPDX-License-Identifier: MIT
 *
 * Guarded loads, stores and atomic operations on single integers, inlined at the call site: the plain
 * instruction and a row in the extable, which costs nothing until it faults. For control words of rings,
 * futex words, headers: whatever is shared with another process that can truncate it.
 *
 * All return 0, or -EFAULT where the memory is bad; what they have for the caller (out, old_out,
 * expected) is untouched then. Which faults are survived, and what that takes, stands in copy.h.
 * A region goes first: where it supplies zeros, these are loaded and the result is 0.
 *
 * nosigbus_last_fault() has the record of a fault. An operation that meets nothing leaves the record
 * alone, an earlier one included, as clearing it would cost more than the operation: go by the result.
 * Bytes past the end of a file, on its last page, are loaded as they are (see NOSIGBUS_CLIP).
 *
 *   int nosigbus_safe_load8, 16, 32, 64(const void* address, uintN_t* out)
 *   int nosigbus_safe_store8, 16, 32, 64(void* address, uintN_t value)
 *
 * One access of N bits, at any alignment; atomic (relaxed) at a multiple of N / 8. The compiler keeps it,
 * in order with volatile accesses, as if *address were volatile. A store that reaches from a good page
 * into a bad one may have written the part in front.
 *
 *   int nosigbus_safe_load_acquire32, 64(const void* address, uintN_t* out)
 *   int nosigbus_safe_store_release32, 64(void* address, uintN_t value)
 *   int nosigbus_safe_exchange32, 64(void* address, uintN_t value, uintN_t* old_out)
 *   int nosigbus_safe_fetch_add32, 64(void* address, uintN_t value, uintN_t* old_out)
 *   int nosigbus_safe_compare_exchange32, 64(void* address, uintN_t* expected, uintN_t desired)
 *
 * Atomic; address is a multiple of N / 8 (or the processor may refuse, as it does a plain atomic). The
 * last three are read-modify-write operations in the order of memory_order_seq_cst, and need memory that
 * can be written. compare_exchange returns 1: swapped; 0: not, and *expected has what was there. It
 * never fails spuriously.
 *
 * Pointers may be to any object, const and volatile as the operation permits; no aliasing rule applies to
 * *address. Thread-safe. Async-signal-safe. Sanitizers do not see these accesses, nor their order.
 *
 * An object file that uses one of these registers its DSO's rows when the DSO is loaded, and takes them
 * back when it is unloaded; for that it needs libnosigbus. Including this header needs nothing.
 *
 * Compilers without asm goto with outputs, and processors without a header in arch/, get the same operations
 * as calls into the library. Defining NOSIGBUS_PORTABLE asks for that.
 */
#ifndef NOSIGBUS_INLINE_H
#define NOSIGBUS_INLINE_H

#include <errno.h>
#include <stdint.h>

#include <nosigbus/abi.h>
#include <nosigbus/extable.h>

NOSIGBUS_BEGIN_DECLS

/* What an address is taken to point to: any alignment, any effective type. */
typedef uint8_t __attribute__((aligned(1), may_alias)) nosigbus_any8;
typedef uint16_t __attribute__((aligned(1), may_alias)) nosigbus_any16;
typedef uint32_t __attribute__((aligned(1), may_alias)) nosigbus_any32;
typedef uint64_t __attribute__((aligned(1), may_alias)) nosigbus_any64;
/* 16 bytes in one register, for <nosigbus/inline.hpp>. */
typedef uint64_t __attribute__((vector_size(16))) nosigbus_bits128;
typedef int64_t __attribute__((vector_size(16))) nosigbus_output128;
typedef nosigbus_bits128 __attribute__((aligned(1), may_alias)) nosigbus_any128;

/* This DSO's rows. Weak: the linker may have dropped all code that has any. */
extern const struct nosigbus_extable_row __start_nosigbus_extable[]
    __attribute__((weak, visibility("hidden")));
extern const struct nosigbus_extable_row __stop_nosigbus_extable[]
    __attribute__((weak, visibility("hidden")));

#ifdef __cplusplus
/* The two functions below: each DSO has its own. */
#define NOSIGBUS_ROWS_FUNCTION inline __attribute__((visibility("hidden")))
#else
#define NOSIGBUS_ROWS_FUNCTION static inline
#endif
/* Without memory to register them the rows stay unknown, and their faults kill. */
NOSIGBUS_ROWS_FUNCTION void nosigbus_inline_rows_begin(void) {
  nosigbus_extable_register(__start_nosigbus_extable, __stop_nosigbus_extable);
}
NOSIGBUS_ROWS_FUNCTION void nosigbus_inline_rows_end(void) {
  nosigbus_extable_unregister(__start_nosigbus_extable);
}

/* clang-format off: assembler text, a line each. */

/* Puts the two functions above among the DSO's constructors and destructors, once in an object file. (An
 * attribute would do so in every file that includes this one.) Priority 101, as the library's own: other
 * constructors may already use guarded operations. */
#define NOSIGBUS_ROWS_REGISTRATION                           \
  ".ifndef .Lnosigbus_rows\n\t.set .Lnosigbus_rows, 1\n\t"   \
  ".pushsection .init_array.00101, \"aw\", %%init_array\n\t" \
  ".balign 8\n\t.quad %c[rows_begin]\n\t.popsection\n\t"     \
  ".pushsection .fini_array.00101, \"aw\", %%fini_array\n\t" \
  ".balign 8\n\t.quad %c[rows_end]\n\t.popsection\n\t.endif\n\t"
/* The input operands of every asm statement that has guarded instructions. */
#define NOSIGBUS_GUARDED_INPUTS                                                         \
  [rows_begin] NOSIGBUS_SYMBOL(nosigbus_inline_rows_begin), [rows_end] NOSIGBUS_SYMBOL( \
                                                                nosigbus_inline_rows_end)

/* One guarded instruction as assembler text; its fault goes on at the C label `bad`. name tells it from
 * others of the same asm statement, accesses is a string of NOSIGBUS_ROW_* bits. */
#define NOSIGBUS_GUARDED(name, instruction, accesses) \
  ".Lnosigbus_" name "%=: " instruction               \
  "\n\t" NOSIGBUS_EXTABLE_ROW(".Lnosigbus_" name "%=", "%l[bad]", accesses) NOSIGBUS_ROWS_REGISTRATION

/* clang-format on */

/* inline: one instruction long, whatever the text looks like. */
#define NOSIGBUS_ASM_GOTO __asm__ __volatile__ __inline__ goto

/* Around gcc bugs (12.2 has both): what an asm goto puts out goes into a variable of a type (signed) that
 * nothing else here has, is converted to the type wanted, and passes through this. What an output replaces
 * passes through it first. It is no instruction.
 *   A variable that the caller uses on both ways out is never the output itself: copies for the way to `bad`
 *   come before the one that delivers the output, which overwrites them (gcc bug 113921).
 *   The vectoriser puts what it makes of an output in front of the asm goto: here it sees another value. */
#define NOSIGBUS_LAUNDER(constraint, value) __asm__ __volatile__("" : "+" constraint(value))
/* At `bad`. The statement keeps it a block of its own: what it returns would otherwise be prepared in front
 * of the asm goto, each time. */
#define NOSIGBUS_RETURN_FAULT \
  __asm__ __volatile__("");   \
  return -EFAULT
/* What a load extends to the whole register the compiler would extend once more, did it not know. */
#define NOSIGBUS_AT_MOST(limit) \
  if (clean > (limit)) __builtin_unreachable()
/* Nothing is known of the value. */
#define NOSIGBUS_ANY_VALUE (void)0
/* Clobber that keeps the compiler from moving other accesses across; and none. */
#define NOSIGBUS_ORDERED "memory"
#define NOSIGBUS_UNORDERED

/* NOLINTBEGIN(bugprone-macro-parentheses): of types and expressions in turn.
 *
 * The two shapes that all processors share. memory is the constraint for what the instruction can address. */
#define NOSIGBUS_DEFINE_LOAD(name, out_type, any_type, output_type, clean_type, fact, constraint, memory, \
                             instruction, order)                                                          \
  NOSIGBUS_INLINE int name(const volatile void* address, out_type* out) NOSIGBUS_NOEXCEPT {               \
    output_type value;                                                                                    \
    clean_type clean;                                                                                     \
    NOSIGBUS_ASM_GOTO(NOSIGBUS_GUARDED("load", instruction, "1")                                          \
                      : [value] "=" constraint(value)                                                     \
                      : [at] memory(*(const volatile any_type*)address), NOSIGBUS_GUARDED_INPUTS:order    \
                      : bad);                                                                             \
    clean = (clean_type)value;                                                                            \
    NOSIGBUS_LAUNDER(constraint, clean);                                                                  \
    fact;                                                                                                 \
    *out = (out_type)clean;                                                                               \
    return 0;                                                                                             \
  bad:                                                                                                    \
    NOSIGBUS_RETURN_FAULT;                                                                                \
  }

/* *address is an input too: where the store faults, it still has what was stored before. */
#define NOSIGBUS_DEFINE_STORE(name, type, any_type, constraint, memory, instruction, order)   \
  NOSIGBUS_INLINE int name(volatile void* address, type value) NOSIGBUS_NOEXCEPT {            \
    volatile any_type* const at = (volatile any_type*)address;                                \
    NOSIGBUS_ASM_GOTO(NOSIGBUS_GUARDED("store", instruction, "2")                             \
                      : [at] "=" memory(*at)                                                  \
                      : [value] constraint(value), memory(*at), NOSIGBUS_GUARDED_INPUTS:order \
                      : bad);                                                                 \
    return 0;                                                                                 \
  bad:                                                                                        \
    NOSIGBUS_RETURN_FAULT;                                                                    \
  }

/* NOLINTEND(bugprone-macro-parentheses) */

/* What nosigbus_inline_call does. */
enum nosigbus_inline_operation {
  /* The operations of these names. */
  NOSIGBUS_DO_LOAD,
  NOSIGBUS_DO_STORE,
  NOSIGBUS_DO_LOAD_ACQUIRE,
  NOSIGBUS_DO_STORE_RELEASE,
  NOSIGBUS_DO_EXCHANGE,
  NOSIGBUS_DO_FETCH_ADD,
  NOSIGBUS_DO_COMPARE_EXCHANGE
};

/* An operation as a call; what <nosigbus/arch/portable.h> is made of.
 *
 * operation: enum nosigbus_inline_operation. size: of the integer, 1, 2, 4, 8 bytes; from
 *   NOSIGBUS_DO_LOAD_ACQUIRE on 4, 8; before it also 16, of any type.
 * value: such an integer: where a load goes; what is stored, exchanged, added or expected. The last three
 *   leave there what was at the address before. desired: such an integer, of a compare_exchange.
 * Returns as the operation does; -EINVAL: no such operation.
 * Thread-safe. Async-signal-safe. */
NOSIGBUS_API int nosigbus_inline_call(int operation, unsigned size, volatile void* address, void* value,
                                      const void* desired) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

#include <nosigbus/arch/select.h>

#endif
