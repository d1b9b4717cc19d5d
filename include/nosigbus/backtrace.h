/* SPDX-License-Identifier: MIT
 *
 * Who read what was missing: the call chains of faults, and their names. A library of its own
 * (libnosigbus-backtrace, nosigbus::backtrace), for x86_64 and aarch64 with glibc 2.35 or later.
 *
 *   nosigbus_backtrace_enable();
 *   ...
 *   int on_event(const struct nosigbus_event* event, void* user) {
 *     return nosigbus_event_print(event, STDERR_FILENO);
 *   }
 *
 * prints, for instance,
 *
 *   nosigbus: region 0x7f8a5c000000: fault; missing from offset 4096 on (end of file); 1 fault so far; the
 * file has 4096 bytes #0  0x00007f8a5bf2b6c3 __memmove_avx_unaligned_erms+0x83
 * [/lib/x86_64-linux-gnu/libc.so.6] #1  0x000055d1c0a011c4 blit(surface&, buffer const&)+0x54 at
 * src/blit.cpp:41 [/usr/bin/server]
 *
 * The chain is collected in the signal handler, by the unwind information (.eh_frame) that compilers write
 * for exceptions and for profilers: through C, C++, assembly and signal handlers, in whatever library, with
 * or without frame pointers. It takes no lock and no memory, and reads the stack through the kernel, so a
 * stack that was overwritten ends the chain and does no harm. A chain ends early at code without that
 * information, such as a compiler makes at run time.
 */
#ifndef NOSIGBUS_BACKTRACE_H
#define NOSIGBUS_BACKTRACE_H

#include <stddef.h>
#include <stdint.h>

#include <nosigbus/abi.h>
#include <nosigbus/events.h>

NOSIGBUS_BEGIN_DECLS

/* Has the handler collect call chains for events from now on (nosigbus_event.chain): of one fault for each
 * event, up to 64 addresses. What collects chains already (nosigbus_collect_chains) is replaced. Children of
 * fork inherit it.
 *
 * Returns 0; -ENOMEM; what process_vm_readv(2) fails with where a system call filter or an emulator has none,
 * and chains cannot be collected: mostly -EPERM or -ENOSYS. A filter that kills for process_vm_readv or
 * getpid kills here, not in the handler. Thread-safe, not async-signal-safe. */
NOSIGBUS_API int nosigbus_backtrace_enable(void) NOSIGBUS_NOEXCEPT;

/* No chains from now on.
 *
 * Returns 0. Thread-safe, async-signal-safe. */
NOSIGBUS_API int nosigbus_backtrace_disable(void) NOSIGBUS_NOEXCEPT;

/* Collects the call chain of interrupted code: for handlers of the program's own.
 *
 * ucontext: what the kernel passed to a SA_SIGINFO handler, unchanged.
 * chain, most: room for `most` addresses, which are as in nosigbus_event.
 * Returns how many there are: at least 1, the interrupted instruction, unless `most` is 0. No more than that
 * one without nosigbus_backtrace_enable before, and while 32 threads are at it. Thread-safe.
 * Async-signal-safe; errno is kept. System calls: getpid, process_vm_readv. Needs 2 KiB of stack. */
NOSIGBUS_API size_t nosigbus_backtrace_collect(void* ucontext, uintptr_t* chain,
                                               size_t most) NOSIGBUS_NOEXCEPT;

/* One address of a chain. What is not known is NULL, and 0 of numbers. */
struct nosigbus_frame {
  /* As it stands in the chain. */
  uintptr_t address;
  /* Path of the program or library. */
  const char* module;
  /* Name of the function, in C++ as it is written. */
  const char* function;
  /* Bytes from the function's beginning to the address; without a function, from the module's. */
  size_t offset;
  /* Where in the source: by debug information in the module, or in /usr/lib/debug/.build-id. */
  const char* file;
  unsigned line;
};

/* Calls callback(frame, user) for each address of a chain, in their order. A module that was unloaded since
 * has no names, or those of what is there now.
 *
 * chain, length: as in nosigbus_event, or from nosigbus_backtrace_collect.
 * callback: returns 0 to go on. The frame lives as long as the call.
 * Returns how many frames were described; -EINVAL: callback or chain NULL; -ENOMEM. Opens the files of the
 * modules in question, and allocates. Thread-safe, not async-signal-safe. */
NOSIGBUS_API int nosigbus_backtrace_describe(const uintptr_t* chain, size_t length,
                                             int (*callback)(const struct nosigbus_frame* frame, void* user),
                                             void* user) NOSIGBUS_NOEXCEPT;

/* Writes what an event says: a line of what happened where and why, and one for each address of its chain.
 *
 * event: of nosigbus_dispatch, while its callback runs. fd: where to.
 * Returns 0; -EINVAL: event NULL; -ENOMEM; what writing failed with. Thread-safe, not async-signal-safe. */
NOSIGBUS_API int nosigbus_event_print(const struct nosigbus_event* event, int fd) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

#endif
