/* SPDX-License-Identifier: MIT
 *
 * The interface of systemd's basic/sigbus.h, over nosigbus.
 *
 * Where systemd's handler puts a page of zeros at whatever address faults, this covers the regions of the
 * process: who maps a file that somebody else can cut off says so, by nosigbus_map or nosigbus_adopt with
 * NOSIGBUS_DISCARD_WRITES. A fault elsewhere is what it was before. What differs further: there is nothing
 * that overflows, as a mapping is in the queue once, with the first page of it that is missing.
 *
 * sigbus_push, the other half of the queue, was a handler's; nosigbus_dispatch is what it has become.
 */
#ifndef NOSIGBUS_ADAPTER_SIGBUS_H
#define NOSIGBUS_ADAPTER_SIGBUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Installs the handler; the calls are counted. */
void sigbus_install(void);

/* Takes back one sigbus_install, and with the last one the handler, unless there are regions still, or the
 * program had installed it before. */
void sigbus_reset(void);

/* Takes the address of a page that was missing, in a region that has faulted since it was last told.
 *
 * Returns 1, and the address in *ret; 0: no more; or -errno: why there is no handler or no queue.
 * The process has one queue of events. This takes them all: a program that calls nosigbus_dispatch itself has
 * no use for it. Thread-safe. */
int sigbus_pop(void** ret);

#ifdef __cplusplus
}
#endif

#endif
