// SPDX-License-Identifier: MIT
//
// aarch64: one set of routines; every processor has its vectors.
#include <nosigbus/copy.h>
#include <nosigbus/scan.h>
#include <src/shared/routines.h>

extern "C" {
size_t nosigbus_copy_read(void* dst, const void* src, size_t n);
size_t nosigbus_copy_write(void* dst, const void* src, size_t n);
size_t nosigbus_copy_both(void* dst, const void* src, size_t n);
}

namespace nosigbus::arch {

namespace {

bool always() { return true; }

constexpr routines neon{.watched_read = nosigbus_careful_read,
                        .copy_read = nosigbus_copy_read,
                        .copy_write = nosigbus_copy_write,
                        .copy_both = nosigbus_copy_both,
                        .large_from = never,
                        .stream_from = never,
                        .watched_scans = {nosigbus_safe_strnlen, nosigbus_safe_memchr, nosigbus_safe_memcmp},
                        .public_read = nosigbus_safe_read,
                        .public_scans = {nosigbus_safe_strnlen, nosigbus_safe_memchr, nosigbus_safe_memcmp},
                        .name = "neon",
                        .supported = always,
                        .pays = always};

}  // namespace

const routines all_routines[] = {neon};
const size_t routines_count = sizeof all_routines / sizeof all_routines[0];

}  // namespace nosigbus::arch

constinit nosigbus::routines nosigbus_routines = nosigbus::arch::neon;

// The assembly finds it by offset (copy.S).
static_assert(offsetof(nosigbus::routines, watched_read) == 0);
