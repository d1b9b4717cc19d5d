// SPDX-License-Identifier: MIT
//
// The guarded scans around the assembly: say what they met, up to their answer and not behind it.
#include <nosigbus/scan.h>
#include <src/outside/scan_clipped.h>
#include <src/outside/scan_record.h>
#include <src/shared/routines.h>
#include <string.h>

extern "C" {
// Where the assembly goes when it has its answer and there is more to say than that all is well. Each
// completes the thread's fault record and returns index. before: the overlay census as it was when the
// operation began. c: the byte sought. bad: 0, or the side whose byte at index is bad, 1 or 2.
size_t nosigbus_search_met(const void* s, size_t n, size_t index, uint64_t before, int c);
size_t nosigbus_compare_met(const void* a, const void* b, size_t n, size_t index, uint64_t before, int bad);
// Searches from the beginning.
size_t nosigbus_search_anew(const void* s, size_t n, int c);
}

using namespace nosigbus;

// The handler recorded the fault of one instruction; the record is to name the first bad byte, or the
// first that an overlay supplied.
size_t nosigbus_search_met(const void* s, size_t n, size_t index, uint64_t before, int c) {
  const bool overlays = overlays_since(before);
  if (overlays && clips(to_address(s), end_of_look(s, index, n))) return search_clipped(s, c, n);
  if (t_last_fault.cause != NOSIGBUS_NONE) {
    t_last_fault.address = to_address(s) + index;
  } else if (overlays) {
    report_overlays(to_address(s), end_of_look(s, index, n), NOSIGBUS_READ, before);
  }
  return index;
}

size_t nosigbus_search_anew(const void* s, size_t n, int c) { return search_clipped(s, c, n); }

size_t nosigbus_compare_met(const void* a, const void* b, size_t n, size_t index, uint64_t before, int bad) {
  const bool overlays = overlays_since(before);
  if (overlays &&
      (clips(to_address(a), end_of_look(a, index, n)) || clips(to_address(b), end_of_look(b, index, n)))) {
    return compare_clipped(a, b, n);
  }
  if (bad != 0) {
    t_last_fault.address = to_address(bad == 1 ? a : b) + index;
    return index;
  }
  t_last_fault.cause = NOSIGBUS_NONE;  // a fault behind the answer
  if (overlays) report_overlays_of_both(a, b, index, n, before);
  return index;
}

size_t nosigbus_safe_strncpy(char* dst, const char* src, size_t n) noexcept {
  const uint64_t before = g_overlay_census.read();
  t_last_fault.cause = NOSIGBUS_NONE;
  size_t done = 0;
  // The string may change meanwhile, so its end is looked for in the copy. No piece lies on two pages:
  // where the string ends, the page behind it has not been touched.
  bool more = true;
  while (more && done < n) {
    const size_t of_page = left_of_page(src + done);
    const size_t piece = of_page < n - done ? of_page : n - done;
    const size_t copied = nosigbus_routines.copy_read(dst + done, src + done, piece);
    if (overlays_since(before)) {
      clip_to_file(dst + done, to_address(src) + done, to_address(src) + done + copied);
    }
    const size_t length = strnlen(dst + done, copied);
    // A page that went away under the copy may have been met behind the end of the string.
    if (length < copied) t_last_fault.cause = NOSIGBUS_NONE;
    more = length == piece;
    done += length;
  }
  memset(dst + done, 0, n - done);
  if (t_last_fault.cause != NOSIGBUS_NONE) {
    t_last_fault.address = to_address(src) + done;
  } else if (overlays_since(before)) {
    report_overlays(to_address(src), end_of_look(src, done, n), NOSIGBUS_READ, before);
  }
  return done;
}
