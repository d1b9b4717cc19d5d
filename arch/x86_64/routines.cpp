// SPDX-License-Identifier: MIT
//
// x86_64: the sets of routines, and which the processor can run.
#include <cpuid.h>
#include <nosigbus/copy.h>
#include <src/shared/routines.h>

extern "C" {
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
}

namespace nosigbus::arch {

namespace {

bool always() { return true; }

// Enhanced `rep movsb`, fast for short copies too: it beats vectors from a few KiB on.
bool has_strings() {
  unsigned a, b, c, d;
  constexpr unsigned fast_short_rep_mov = 1u << 4;  // CPUID 7.0, EDX
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & fast_short_rep_mov) != 0;
}

// The processor has it, and the `tzcnt` of scans, and the system saves its registers.
bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0;
}
bool has_avx2_and_strings() { return has_avx2() && has_strings(); }
// Its copies, and the scans that go with them. VL: the short copies' registers above 15 are narrower ones.
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}
bool has_avx512_and_strings() { return has_avx512() && has_strings(); }

// What is large, and what goes past the cache.
struct limits {
  size_t large_from, stream_from;
};
constexpr limits by_vectors{past_cache, past_cache}, by_strings{4096, past_cache};
// For tests: small enough to try all positions of a fault.
constexpr limits streaming{600, 600};

constexpr routines sse2(const char* name, limits at, bool (*supported)()) {
  return {.watched_read = nosigbus_watched_read_sse2,
          .copy_read = nosigbus_copy_read_sse2,
          .copy_write = nosigbus_copy_write_sse2,
          .copy_both = nosigbus_copy_both_sse2,
          .large_from = at.large_from,
          .stream_from = at.stream_from,
          .wide_scans = false,
          .plain_read = false,
          .only_by_name = at.stream_from != past_cache,
          .name = name,
          .supported = supported};
}
constexpr routines avx2(const char* name, limits at, bool (*supported)()) {
  return {.watched_read = nosigbus_watched_read_avx2,
          .copy_read = nosigbus_copy_read_avx2,
          .copy_write = nosigbus_copy_write_avx2,
          .copy_both = nosigbus_copy_both_avx2,
          .large_from = at.large_from,
          .stream_from = at.stream_from,
          .wide_scans = true,
          .plain_read = true,
          .only_by_name = at.stream_from != past_cache,
          .name = name,
          .supported = supported};
}
constexpr routines avx512(const char* name, limits at, bool (*supported)()) {
  return {.watched_read = nosigbus_watched_read_avx512,
          .copy_read = nosigbus_copy_read_avx512,
          .copy_write = nosigbus_copy_write_avx512,
          .copy_both = nosigbus_copy_both_avx512,
          .large_from = at.large_from,
          .stream_from = at.stream_from,
          .wide_scans = true,
          .plain_read = false,
          .only_by_name = true,
          .name = name,
          .supported = supported};
}

}  // namespace

const routines all_routines[] = {
    sse2("sse2", by_vectors, always),
    sse2("sse2+string", by_strings, has_strings),
    sse2("sse2+stream", streaming, always),
    avx2("avx2", by_vectors, has_avx2),
    avx2("avx2+string", by_strings, has_avx2_and_strings),
    avx2("avx2+stream", streaming, has_avx2),
    avx512("avx512", by_vectors, has_avx512),
    avx512("avx512+string", by_strings, has_avx512_and_strings),
    avx512("avx512+stream", streaming, has_avx512),
};
const size_t routines_count = sizeof all_routines / sizeof all_routines[0];

}  // namespace nosigbus::arch

constinit nosigbus::routines nosigbus_routines =
    nosigbus::arch::sse2("sse2", {nosigbus::never, nosigbus::never}, nosigbus::arch::always);

// The assembly finds these by offset (asm.h).
static_assert(offsetof(nosigbus::routines, watched_read) == 0);
static_assert(offsetof(nosigbus::routines, large_from) == 32);
static_assert(offsetof(nosigbus::routines, stream_from) == 40);
static_assert(offsetof(nosigbus::routines, wide_scans) == 48);
