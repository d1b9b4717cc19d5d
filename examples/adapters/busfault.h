/* SPDX-License-Identifier: MIT
 *
 * The interface of the X server's os/busfault.h, over nosigbus.
 *
 * Shared segments of clients are registered; one that was cut off reads as zeros, and the main loop is told.
 * What differs: the part of the file that is left stays visible until busfault_unregister; a second fault,
 * and faults of two threads at once, are absorbed as the first is; where the original calls FatalError (a
 * fault elsewhere, an address within a page), this does what was done before, or does not fail.
 *
 * All of it is for the thread of the main loop; faults may happen on any.
 */
#ifndef NOSIGBUS_ADAPTER_BUSFAULT_H
#define NOSIGBUS_ADAPTER_BUSFAULT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*busfault_notify_ptr)(void* context);

struct busfault;

/* Installs the handler. Returns nonzero when it is in place (the X server's Bool is an int). */
int busfault_init(void);

/* Registers mapped memory: `size` bytes from `addr`, of one file. notify(context) is called by
 * busfault_check. Returns NULL without memory, and for what is no such mapping or is registered already. */
struct busfault* busfault_register_mmap(void* addr, size_t size, busfault_notify_ptr notify, void* context);

/* Ends it, before the memory is unmapped. A segment that has faulted is zeros and private from then on, for
 * pixmaps that still lie in it: its client can cut off nothing any more. */
void busfault_unregister(struct busfault* busfault);

/* Calls notify of each segment that has faulted since the last time. It may unregister segments. */
void busfault_check(void);

#ifdef __cplusplus
}
#endif

#endif
