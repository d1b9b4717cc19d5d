/* SPDX-License-Identifier: MIT
 *
 * The interface of GNU libsigsegv's <sigsegv.h>, over nosigbus: handlers of faults, one for the process and
 * one for each area of memory. Not its stack overflow handlers.
 *
 * What differs: a fault that no handler takes reaches the action that was there before, called as the kernel
 * would have called it, where the original forgets that and dies; so does a SIGSEGV that somebody sent. Areas
 * come and go while other threads fault. SIGBUS, which the original leaves to kill, is nosigbus's: regions
 * and guarded operations work beside the areas. A guarded operation that meets an area asks its handler, too.
 */
#ifndef NOSIGBUS_ADAPTER_SIGSEGV_H
#define NOSIGBUS_ADAPTER_SIGSEGV_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAVE_SIGSEGV_RECOVERY 1
/* Linux tells the address to the byte. */
#define SIGSEGV_FAULT_ADDRESS_ALIGNMENT 1UL

/* Returns whether the fault is cured, and the instruction can be executed again. Called inside the signal
 * handler. serious: 0 at first; 1 when all have declined, and the answer decides. */
typedef int (*sigsegv_handler_t)(void* fault_address, int serious);

/* Puts the process's handler in place, or another one in its place. Returns 0, or -1. */
int sigsegv_install_handler(sigsegv_handler_t handler);

/* Takes it out: what was there before is back. */
void sigsegv_deinstall_handler(void);

/* For a handler that does not return to the fault: calls continuation(arg1, arg2, arg3), which leaves by
 * siglongjmp(3) to where signals were saved, or puts back the mask. */
int sigsegv_leave_handler(void (*continuation)(void*, void*, void*), void* cont_arg1, void* cont_arg2,
                          void* cont_arg3);

/* As sigsegv_handler_t; user_arg: of the area. */
typedef int (*sigsegv_area_handler_t)(void* fault_address, void* user_arg);

/* A table of areas. */
typedef struct sigsegv_dispatcher {
  void* tree;
} sigsegv_dispatcher;

void sigsegv_init(sigsegv_dispatcher* dispatcher);

/* Adds `len` bytes from `address`. Returns a ticket for sigsegv_unregister; NULL: len is 0, the range wraps
 * or overlaps an area of the table, or no memory. Thread-safe. */
void* sigsegv_register(sigsegv_dispatcher* dispatcher, void* address, size_t len,
                       sigsegv_area_handler_t handler, void* handler_arg);

/* Takes an area out. Its handler may be running still, on another thread. NULL: nothing. Thread-safe. */
void sigsegv_unregister(sigsegv_dispatcher* dispatcher, void* ticket);

/* What the handler of the area with this address says; 0 without one. Thread-safe, async-signal-safe. */
int sigsegv_dispatch(sigsegv_dispatcher* dispatcher, void* fault_address);

#ifdef __cplusplus
}
#endif

#endif
