/* SPDX-License-Identifier: MIT
 *
 * Signal handlers that programs which embed nosigbus have besides its own, and what there is to know of those
 * in place. The same for all runtimes: a handler is C, whatever language the program is in.
 *
 * Functions return 0 or -errno.
 */
#ifndef EMBEDDERS_HANDLERS_H
#define EMBEDDERS_HANDLERS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the program the owner of SIGBUS and SIGSEGV: its handler gives nosigbus the first chance, and what
 * nosigbus declines goes to the handlers that the runtime has installed before. Passes by libraries that
 * keep handlers from being installed, such as Java's libjsig. Not thread-safe. */
int handlers_own(void);

/* Installs a SIGBUS handler that knows nothing of nosigbus, as crash reporters do: it prints a line to
 * standard error and lets the signal kill. Not thread-safe. */
int handlers_report_crashes(void);

/* Writes what the action of a signal is: "default", "ignore", or "handler" with its flags, " siginfo",
 * " onstack", " restart", " nodefer". Thread-safe. */
int handlers_describe(int signo, char* out, size_t size);

/* Of the calling thread's alternate signal stack: marks what is unused of it, and tells how many bytes have
 * been used since. No signal may be handled while it marks: they are blocked meanwhile. size: receives the
 * size of the stack in bytes. Return 0, and from _used the number of bytes; -ENOENT: the thread has none;
 * -EBUSY: the caller is on it. */
int handlers_mark_stack(size_t* size);
long handlers_used_stack(void);

#ifdef __cplusplus
}
#endif

#endif
