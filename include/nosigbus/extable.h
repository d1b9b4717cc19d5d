/* SPDX-License-Identifier: MIT
 *
 * The extable: which instructions may fault, and where execution goes on when they do.
 *
 * A row pairs one instruction with its landing pad. Rows live in the read-only section
 * `nosigbus_extable` of the DSO that contains the instruction; their addresses are relative to the
 * fields themselves, so the section needs no relocation. Any DSO may contribute rows for code of its
 * own, written as NOSIGBUS_EXTABLE_ROW in an asm statement, and registers its section once.
 */
#ifndef NOSIGBUS_EXTABLE_H
#define NOSIGBUS_EXTABLE_H

/* Bits of a row's flags: which accesses of the instruction are guarded. Others fault as ever. */
#define NOSIGBUS_ROW_READ 0x1
#define NOSIGBUS_ROW_WRITE 0x2
/* The landing pad wants the faulting address in the port's fault register (rax on x86_64,
 * x16 on aarch64, there without an address tag). */
#define NOSIGBUS_ROW_ADDRESS 0x4

#ifndef __ASSEMBLER__

#include <stdint.h>

#include <nosigbus/abi.h>

NOSIGBUS_BEGIN_DECLS

/* One guarded instruction. */
struct nosigbus_extable_row {
  int32_t instruction; /* address of the instruction minus address of this field */
  int32_t landing;     /* address of the landing pad minus address of this field */
  uint32_t flags;      /* NOSIGBUS_ROW_* */
};

/* One row as assembler text, for an extended asm statement, behind the instruction and in its section.
 * insn and landing are labels, flags is a string literal.
 *
 * The row stays with its instruction: a member of its section group (?), so that the linker drops both
 * or neither where several objects bring the same inline function, and linked to its section (o), so
 * that --gc-sections keeps the rows of live code, which nothing refers to. The label is for the latter:
 * gas takes no numeric one there. */
#define NOSIGBUS_EXTABLE_ROW(insn, landing, flags)                            \
  ".ifndef .Lnosigbus_code%=\n.Lnosigbus_code%=:\n.endif\n\t"                 \
  ".pushsection nosigbus_extable, \"ao?\", %%progbits, .Lnosigbus_code%=\n\t" \
  ".balign 4\n\t.long (" insn ") - .\n\t.long (" landing ") - .\n\t.long " flags "\n\t.popsection\n\t"

/* Makes the rows of one DSO known.
 *
 * begin, end: the DSO's `__start_nosigbus_extable` and `__stop_nosigbus_extable` (the linker defines
 *   them). Registering the same section again counts.
 * Returns 0; -EINVAL: begin or end NULL, or not a whole number of rows; -ENOMEM;
 *   -ENOTSUP: on this machine rows are of no use, their faults kill (docs/porting.md).
 * Thread-safe. Not async-signal-safe. */
NOSIGBUS_API int nosigbus_extable_register(const struct nosigbus_extable_row* begin,
                                           const struct nosigbus_extable_row* end) NOSIGBUS_NOEXCEPT;

/* Takes them back, before the DSO is unloaded, with the last call that balances a registration.
 *
 * begin: as registered. Returns 0, or -ENOENT: not registered; -ENOMEM: nothing has changed. While a
 * process that has installed the handler runs exit(3), rows stay and the result is 0: its other threads
 * run on, and nothing is unloaded any more.
 * Thread-safe. Not async-signal-safe. */
NOSIGBUS_API int nosigbus_extable_unregister(const struct nosigbus_extable_row* begin) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

#endif /* __ASSEMBLER__ */

#endif
