// SPDX-License-Identifier: MIT
//
// The copies of this machine. A port has one set or several; the best that the processor has and that is
// known to pay there is chosen once, when the library is loaded.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

namespace nosigbus {

// The guarded scans (arch/*/scan.S, compare.S).
struct scans {
  size_t (*strnlen)(const char* s, size_t max);
  size_t (*memchr)(const void* s, int c, size_t n);
  size_t (*memcmp)(const void* a, const void* b, size_t n);
};

// Each returns the number of bytes done in front of the first bad byte (arch/*/copy.S).
struct routines {
  using read = size_t(void* dst, const void* src, size_t n);
  // nosigbus_safe_read where regions are about: looks at the overlay census before and after.
  read* watched_read;
  read* copy_read;
  size_t (*copy_write)(void* dst, const void* src, size_t n);
  size_t (*copy_both)(void* dst, const void* src, size_t n);
  // Copies of so many bytes have ways of their own: the processor's string instructions, and from stream_from
  // on stores past the cache; past_cache until the set is put in force.
  size_t large_from, stream_from;
  scans watched_scans;  // as watched_read
  // What nosigbus_safe_read is where this set was chosen, without regions, and the scans likewise; null: they
  // go to the watched ones.
  read* public_read;
  scans public_scans;
  const char* name;
  bool (*supported)();
  bool (*pays)();  // may be chosen; others are for those who ask for them by name
};

inline constexpr size_t never = SIZE_MAX, past_cache = SIZE_MAX - 1;

namespace arch {

// All sets of this port, the plainest first; it needs nothing but the architecture.
extern const routines all_routines[];
extern const size_t routines_count;

}  // namespace arch

// Bits of nosigbus_detour.
inline constexpr uint32_t detour_other_set = 1, detour_regions = 2;

// For tests: puts the set of this name in force. False where the port or the processor does not have it.
bool use_routines(const char* name);

}  // namespace nosigbus

extern "C" {

// The set in force: the plainest from the start, the best as soon as the library is loaded.
extern __attribute__((visibility("hidden"))) nosigbus::routines nosigbus_routines;

// Not 0: nosigbus_safe_read and the scans are not to work by themselves, but to go to the watched ones,
// because no set was chosen yet or it is not of the set in force (detour_other_set), or because there was
// ever a region (detour_regions). What takes long looks again at its end. What is short does not: preempted
// between the flag and its loads, while its memory becomes the first region of all and is overlaid, it gives
// zeros without a record.
extern __attribute__((visibility("hidden"))) std::atomic<uint32_t> nosigbus_detour;

// A watched read of any port, around copy_read (copy.cpp).
__attribute__((visibility("hidden"))) size_t nosigbus_careful_read(void* dst, const void* src, size_t n);
// Where reads in assembly go when there is more to say than that all is well: fewer bytes were copied than
// wanted, or overlays came, went or were there since the census was `before`. Returns copied.
__attribute__((visibility("hidden"))) size_t nosigbus_finish_read(void* dst, const void* src, size_t n,
                                                                  size_t copied, uint64_t before);
}

namespace nosigbus {

// Before a region is visible to anybody.
inline void watch_reads() {
  if ((nosigbus_detour.load(std::memory_order_relaxed) & detour_regions) != 0) return;
  // release: who is sent through the table finds a watched read there.
  nosigbus_detour.fetch_or(detour_regions, std::memory_order_release);
}

}  // namespace nosigbus
