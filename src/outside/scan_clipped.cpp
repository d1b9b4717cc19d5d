// SPDX-License-Identifier: MIT
#include <nosigbus/copy.h>
#include <src/outside/overlay_report.h>
#include <src/outside/scan_clipped.h>
#include <src/outside/scan_record.h>
#include <string.h>

namespace nosigbus {

namespace {

constexpr size_t piece_size = 512;

size_t least(size_t a, size_t b) { return a < b ? a : b; }

}  // namespace

size_t search_clipped(const void* s, int c, size_t n) {
  const uint64_t before = g_overlay_census.read();
  unsigned char bytes[piece_size];
  size_t index = 0;
  while (index < n) {
    const unsigned char* const at = static_cast<const unsigned char*>(s) + index;
    const size_t piece = least(least(n - index, piece_size), left_of_page(at));
    const size_t copied = nosigbus_safe_read(bytes, at, piece);
    const void* const found = memchr(bytes, c, copied);
    if (found != nullptr) {
      index += static_cast<size_t>(static_cast<const unsigned char*>(found) - bytes);
      break;
    }
    index += copied;
    if (copied < piece) return index;  // the copy's record is ours
  }
  t_last_fault.cause = NOSIGBUS_NONE;
  report_overlays(to_address(s), end_of_look(s, index, n), NOSIGBUS_READ, before);
  return index;
}

size_t compare_clipped(const void* a, const void* b, size_t n) {
  const uint64_t before = g_overlay_census.read();
  unsigned char bytes_a[piece_size], bytes_b[piece_size];
  size_t index = 0;
  bool same = true;
  while (same && index < n) {
    const unsigned char* const at_a = static_cast<const unsigned char*>(a) + index;
    const unsigned char* const at_b = static_cast<const unsigned char*>(b) + index;
    const size_t of_page = least(left_of_page(at_a), left_of_page(at_b));
    const size_t piece = least(least(n - index, piece_size), of_page);
    const size_t copied_a = nosigbus_safe_read(bytes_a, at_a, piece);
    const nosigbus_fault record_a = t_last_fault;
    const size_t copied = nosigbus_safe_read(bytes_b, at_b, copied_a);
    size_t i = 0;
    while (i < copied && bytes_a[i] == bytes_b[i]) ++i;
    index += i;
    if (i == copied && copied < piece) {
      if (copied == copied_a) t_last_fault = record_a;
      return index;
    }
    same = i == copied;
  }
  t_last_fault.cause = NOSIGBUS_NONE;
  report_overlays_of_both(a, b, index, n, before);
  return index;
}

}  // namespace nosigbus
