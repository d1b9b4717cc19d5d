// SPDX-License-Identifier: MIT
//
// x86_64: the sets of routines, and which the processor can run.
#include <nosigbus/copy.h>
#include <nosigbus/scan.h>
#include <src/shared/routines.h>

#include "processor.h"

extern "C" {
size_t nosigbus_read_avx2(void* dst, const void* src, size_t n);
size_t nosigbus_read_avx512(void* dst, const void* src, size_t n);
size_t nosigbus_watched_read_sse2(void* dst, const void* src, size_t n);
size_t nosigbus_copy_read_sse2(void* dst, const void* src, size_t n);
size_t nosigbus_copy_write_sse2(void* dst, const void* src, size_t n);
size_t nosigbus_copy_both_sse2(void* dst, const void* src, size_t n);
size_t nosigbus_watched_read_avx2(void* dst, const void* src, size_t n);
size_t nosigbus_copy_read_avx2(void* dst, const void* src, size_t n);
size_t nosigbus_copy_write_avx2(void* dst, const void* src, size_t n);
size_t nosigbus_copy_both_avx2(void* dst, const void* src, size_t n);
size_t nosigbus_watched_read_avx512(void* dst, const void* src, size_t n);
size_t nosigbus_copy_read_avx512(void* dst, const void* src, size_t n);
size_t nosigbus_copy_write_avx512(void* dst, const void* src, size_t n);
size_t nosigbus_copy_both_avx512(void* dst, const void* src, size_t n);

size_t nosigbus_strnlen_avx2(const char* s, size_t max);
size_t nosigbus_memchr_avx2(const void* s, int c, size_t n);
size_t nosigbus_memcmp_avx2(const void* a, const void* b, size_t n);
size_t nosigbus_strnlen_avx512(const char* s, size_t max);
size_t nosigbus_memchr_avx512(const void* s, int c, size_t n);
size_t nosigbus_memcmp_avx512(const void* a, const void* b, size_t n);
size_t nosigbus_watched_strnlen_sse2(const char* s, size_t max);
size_t nosigbus_watched_memchr_sse2(const void* s, int c, size_t n);
size_t nosigbus_watched_memcmp_sse2(const void* a, const void* b, size_t n);
size_t nosigbus_watched_strnlen_avx2(const char* s, size_t max);
size_t nosigbus_watched_memchr_avx2(const void* s, int c, size_t n);
size_t nosigbus_watched_memcmp_avx2(const void* a, const void* b, size_t n);
size_t nosigbus_watched_strnlen_avx512(const char* s, size_t max);
size_t nosigbus_watched_memchr_avx512(const void* s, int c, size_t n);
size_t nosigbus_watched_memcmp_avx512(const void* a, const void* b, size_t n);
}

namespace nosigbus::arch {

namespace {

bool always() { return true; }
bool never_pays() { return false; }

bool has_strings() { return this_processor().strings; }
UNINSTRUMENTED bool has_avx2() { return this_processor().avx2; }
bool has_avx2_and_strings() { return has_avx2() && has_strings(); }
UNINSTRUMENTED bool has_avx512() { return this_processor().avx512; }
bool has_avx512_and_strings() { return has_avx512() && has_strings(); }
// Intel's processors with AVX-512 and without AVX-VNNI lower their clock for moves of 64 bytes
// (docs/decisions-copies.md).
UNINSTRUMENTED bool wide_moves_pay() { return this_processor().vnni; }

// What is large, and what goes past the cache.
struct limits {
  size_t large_from, stream_from;
};
constexpr limits by_vectors{past_cache, past_cache}, by_strings{4096, past_cache};
// For tests: small enough to try all positions of a fault.
constexpr limits streaming{600, 600};

using condition = bool (*)();

constexpr routines sse2(const char* name, limits at, condition supported, condition pays = always) {
  return {.watched_read = nosigbus_watched_read_sse2,
          .copy_read = nosigbus_copy_read_sse2,
          .copy_write = nosigbus_copy_write_sse2,
          .copy_both = nosigbus_copy_both_sse2,
          .large_from = at.large_from,
          .stream_from = at.stream_from,
          .watched_scans = {nosigbus_watched_strnlen_sse2, nosigbus_watched_memchr_sse2,
                            nosigbus_watched_memcmp_sse2},
          .public_read = nullptr,
          .public_scans = {},
          .name = name,
          .supported = supported,
          .pays = pays};
}
constexpr routines avx2(const char* name, limits at, condition supported, condition pays = always) {
  return {.watched_read = nosigbus_watched_read_avx2,
          .copy_read = nosigbus_copy_read_avx2,
          .copy_write = nosigbus_copy_write_avx2,
          .copy_both = nosigbus_copy_both_avx2,
          .large_from = at.large_from,
          .stream_from = at.stream_from,
          .watched_scans = {nosigbus_watched_strnlen_avx2, nosigbus_watched_memchr_avx2,
                            nosigbus_watched_memcmp_avx2},
          .public_read = nosigbus_read_avx2,
          .public_scans = {nosigbus_strnlen_avx2, nosigbus_memchr_avx2, nosigbus_memcmp_avx2},
          .name = name,
          .supported = supported,
          .pays = pays};
}
constexpr routines avx512(const char* name, limits at, condition supported, condition pays = wide_moves_pay) {
  return {.watched_read = nosigbus_watched_read_avx512,
          .copy_read = nosigbus_copy_read_avx512,
          .copy_write = nosigbus_copy_write_avx512,
          .copy_both = nosigbus_copy_both_avx512,
          .large_from = at.large_from,
          .stream_from = at.stream_from,
          .watched_scans = {nosigbus_watched_strnlen_avx512, nosigbus_watched_memchr_avx512,
                            nosigbus_watched_memcmp_avx512},
          .public_read = nosigbus_read_avx512,
          .public_scans = {nosigbus_strnlen_avx512, nosigbus_memchr_avx512, nosigbus_memcmp_avx512},
          .name = name,
          .supported = supported,
          .pays = pays};
}

}  // namespace

const routines all_routines[] = {
    sse2("sse2", by_vectors, always),
    sse2("sse2+string", by_strings, has_strings),
    sse2("sse2+stream", streaming, always, never_pays),
    avx2("avx2", by_vectors, has_avx2),
    avx2("avx2+string", by_strings, has_avx2_and_strings),
    avx2("avx2+stream", streaming, has_avx2, never_pays),
    avx512("avx512", by_vectors, has_avx512),
    avx512("avx512+string", by_strings, has_avx512_and_strings),
    avx512("avx512+stream", streaming, has_avx512, never_pays),
};
const size_t routines_count = sizeof all_routines / sizeof all_routines[0];

}  // namespace nosigbus::arch

// The public routines of the set that will be chosen; of processors without AVX2, some that always take the
// detour. Other C libraries than glibc may not know of such functions, and get what most processors have,
// as AFL++ does, whose passes fail at them (4.04).
#if defined(__GLIBC__) && !defined(__AFL_COMPILER)
#define RESOLVER(name)                                                                           \
  extern "C" UNINSTRUMENTED decltype(nosigbus_##name##_avx2)* nosigbus_resolve_##name() {        \
    using namespace nosigbus::arch;                                                              \
    return has_avx512() && wide_moves_pay() ? nosigbus_##name##_avx512 : nosigbus_##name##_avx2; \
  }
RESOLVER(read)
RESOLVER(strnlen)
RESOLVER(memchr)
RESOLVER(memcmp)
#define CHOSEN(name) __attribute__((ifunc("nosigbus_resolve_" #name)))
size_t nosigbus_safe_read(void* dst, const void* src, size_t n) noexcept CHOSEN(read);
size_t nosigbus_safe_strnlen(const char* s, size_t max) noexcept CHOSEN(strnlen);
size_t nosigbus_safe_memchr(const void* s, int c, size_t n) noexcept CHOSEN(memchr);
size_t nosigbus_safe_memcmp(const void* a, const void* b, size_t n) noexcept CHOSEN(memcmp);
#else
#define CHOSEN(name)                                                                       \
  asm(".text; .globl nosigbus_safe_" #name "; .type nosigbus_safe_" #name                  \
      ", @function; nosigbus_safe_" #name ": .cfi_startproc; endbr64; jmp nosigbus_" #name \
      "_avx2; .cfi_endproc");
CHOSEN(read)
CHOSEN(strnlen)
CHOSEN(memchr)
CHOSEN(memcmp)
#endif

constinit nosigbus::routines nosigbus_routines =
    nosigbus::arch::sse2("sse2", {nosigbus::never, nosigbus::never}, nosigbus::arch::always);

// The assembly finds these by offset (asm.h).
static_assert(offsetof(nosigbus::routines, watched_read) == 0);
static_assert(offsetof(nosigbus::routines, large_from) == 32);
static_assert(offsetof(nosigbus::routines, stream_from) == 40);
static_assert(offsetof(nosigbus::routines, watched_scans.strnlen) == 48);
static_assert(offsetof(nosigbus::routines, watched_scans.memchr) == 56);
static_assert(offsetof(nosigbus::routines, watched_scans.memcmp) == 64);
