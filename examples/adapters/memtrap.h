/* SPDX-License-Identifier: MIT
 *
 * The interface of PulseAudio's pulsecore/memtrap.h, over nosigbus.
 *
 * Memory of other processes that reads as zeros once it is gone, and a question that threads of real-time
 * priority may ask as often as they like. What differs: what is left of the file stays audible; a fault
 * elsewhere reaches the handler that was there before, where the original aborts; each byte that was asked
 * for is covered, whatever its offset in a page; and pa_memtrap_add can fail.
 *
 * A trap's update and remove are not for the time while another thread asks about it.
 */
#ifndef NOSIGBUS_ADAPTER_MEMTRAP_H
#define NOSIGBUS_ADAPTER_MEMTRAP_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pa_memtrap pa_memtrap;

/* Installs the handler. */
void pa_memtrap_install(void);

/* Traps `size` bytes from `start`, mapped from one file. Returns NULL without memory, and for what is no such
 * mapping or has a trap. */
pa_memtrap* pa_memtrap_add(const void* start, size_t size);

/* Moves a trap to other memory, where it is good again; the same memory changes nothing. Returns the trap,
 * which is not good when there is nothing to trap. */
pa_memtrap* pa_memtrap_update(pa_memtrap* m, const void* start, size_t size);

/* Ends it, before the memory is unmapped. */
void pa_memtrap_remove(pa_memtrap* m);

/* Whether the memory has been its file's all the time. Two loads; async-signal-safe. */
bool pa_memtrap_is_good(pa_memtrap* m);

#ifdef __cplusplus
}
#endif

#endif
