/* SPDX-License-Identifier: MIT
 *
 * C code that knows nothing of faults, below a guard: the same for all runtimes, whose own code is no place
 * to leave by a longjmp.
 */
#ifndef EMBEDDERS_GUARDED_H
#define EMBEDDERS_GUARDED_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Adds up bytes, and stops at the first that is missing.
 *
 * bad: receives the offset of that byte, or size.
 * Returns the sum, or -EFAULT. Thread-safe. */
long guarded_sum(const void* bytes, size_t size, size_t* bad);

#ifdef __cplusplus
}
#endif

#endif
