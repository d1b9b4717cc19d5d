// SPDX-License-Identifier: MIT
//
// Scans over regions with NOSIGBUS_CLIP: bytes behind the end of file, in its last page, count as zeros.
// They go through copies, piece by piece.
#pragma once

#include <stddef.h>

namespace nosigbus {

// The index of the byte c, or of the first bad byte before it, or n. Completes the fault record.
size_t search_clipped(const void* s, int c, size_t n);

// The index of the first byte that differs or is bad on either side, or n. Completes the fault record.
size_t compare_clipped(const void* a, const void* b, size_t n);

}  // namespace nosigbus
