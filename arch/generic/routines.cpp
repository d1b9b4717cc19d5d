// SPDX-License-Identifier: MIT
//
// Any machine: one set of routines.
#include <nosigbus/copy.h>
#include <nosigbus/scan.h>
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

constexpr routines generic{
    .watched_read = nosigbus_careful_read,
    .copy_read = nosigbus_copy_read,
    .copy_write = nosigbus_copy_write,
    .copy_both = nosigbus_copy_both,
    .large_from = never,
    .stream_from = never,
    .watched_scans = {nosigbus_safe_strnlen, nosigbus_safe_memchr, nosigbus_safe_memcmp},
    .public_read = nullptr,
    .public_scans = {nosigbus_safe_strnlen, nosigbus_safe_memchr, nosigbus_safe_memcmp},
    .name = "generic",
    .supported = always,
    .pays = always};

}  // namespace

const routines all_routines[] = {generic};
const size_t routines_count = sizeof all_routines / sizeof all_routines[0];

}  // namespace nosigbus::arch

constinit nosigbus::routines nosigbus_routines = nosigbus::arch::generic;

size_t nosigbus_safe_read(void* dst, const void* src, size_t n) noexcept {
  return nosigbus_careful_read(dst, src, n);
}

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
