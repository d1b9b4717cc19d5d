// SPDX-License-Identifier: MIT
//
// aarch64: one set of routines; every processor has its vectors.
#include <nosigbus/copy.h>
#include <src/outside/scan_clipped.h>
#include <src/shared/routines.h>

extern "C" {
size_t nosigbus_copy_read(void* dst, const void* src, size_t n);
size_t nosigbus_copy_write(void* dst, const void* src, size_t n);
size_t nosigbus_copy_both(void* dst, const void* src, size_t n);
}

namespace nosigbus::arch {

namespace {

bool always() { return true; }

constexpr routines neon(size_t (*safe_read)(void*, const void*, size_t)) {
  return {.safe_read = safe_read,
          .copy_read = nosigbus_copy_read,
          .copy_write = nosigbus_copy_write,
          .copy_both = nosigbus_copy_both,
          .string_from = SIZE_MAX,
          .wide_scans = false,
          .only_by_name = false,
          .name = "neon",
          .supported = always};
}

}  // namespace

const routines all_routines[] = {neon(nosigbus_safe_read)};
const size_t routines_count = sizeof all_routines / sizeof all_routines[0];

}  // namespace nosigbus::arch

// Not nosigbus_safe_read: until the routines are chosen, that goes where this says.
constinit nosigbus::routines nosigbus_routines = nosigbus::arch::neon(nosigbus_careful_read);

// The assembly finds it by offset (copy.S).
static_assert(offsetof(nosigbus::routines, safe_read) == 0);

// By guarded copies, piece by piece.
size_t nosigbus_safe_strnlen(const char* s, size_t max) noexcept {
  return nosigbus::search_clipped(s, 0, max);
}
size_t nosigbus_safe_memchr(const void* s, int c, size_t n) noexcept {
  return nosigbus::search_clipped(s, c, n);
}
size_t nosigbus_safe_memcmp(const void* a, const void* b, size_t n) noexcept {
  return nosigbus::compare_clipped(a, b, n);
}
