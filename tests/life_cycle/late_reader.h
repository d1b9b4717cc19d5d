/* SPDX-License-Identifier: MIT
 *
 * Two DSOs that know nothing of the library. Their destructors, one in front of the library's and one behind
 * it, call these. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif
extern void (*g_late_reader)(void);
extern void (*g_later_reader)(void);
#ifdef __cplusplus
}
#endif
