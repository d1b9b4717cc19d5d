// SPDX-License-Identifier: MIT
//
// What scans have in common when they complete the thread's fault record.
#pragma once

#include <src/outside/overlay_report.h>
#include <src/shared/region.h>
#include <src/shared/thread_state.h>
#include <stddef.h>

namespace nosigbus {

inline uintptr_t to_address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

// Bytes from p to the end of its page, or of a part of it where pages are larger: on one page for certain.
inline size_t left_of_page(const void* p) {
  constexpr size_t least_page = 4096;
  return least_page - to_address(p) % least_page;
}

// One past the last byte that was looked at: the answer's, unless it is n.
inline uintptr_t end_of_look(const void* s, size_t index, size_t n) {
  return to_address(s) + index + (index < n ? 1 : 0);
}

// report_overlays for a comparison: of two, the one with the lower index.
inline void report_overlays_of_both(const void* a, const void* b, size_t index, size_t n, uint64_t before) {
  report_overlays(to_address(b), end_of_look(b, index, n), NOSIGBUS_READ, before);
  uintptr_t end_of_a = end_of_look(a, index, n);
  if (t_last_fault.cause != NOSIGBUS_NONE) {
    end_of_a = to_address(a) + (t_last_fault.address - to_address(b)) + 1;
  }
  report_overlays(to_address(a), end_of_a, NOSIGBUS_READ, before);
}

}  // namespace nosigbus
