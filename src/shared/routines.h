// SPDX-License-Identifier: MIT
//
// The assembly routines of this machine. A port has one set or several; the best that the processor has,
// of those that are not only_by_name, is chosen once, when the library is loaded.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

namespace nosigbus {

// Each returns the number of bytes done in front of the first bad byte (arch/*/copy.S).
struct routines {
  size_t (*safe_read)(void* dst, const void* src, size_t n);
  size_t (*copy_read)(void* dst, const void* src, size_t n);
  size_t (*copy_write)(void* dst, const void* src, size_t n);
  size_t (*copy_both)(void* dst, const void* src, size_t n);
  size_t string_from;  // bytes from which copies use the processor's string instructions
  bool wide_scans;     // scans use the widest vectors they are written for (arch/*/scan.S)
  bool only_by_name;   // never chosen when the library is loaded, whatever the processor has
  const char* name;
  bool (*supported)();
};

namespace arch {

// All sets of this port, the plainest first; it needs nothing but the architecture.
extern const routines all_routines[];
extern const size_t routines_count;

}  // namespace arch

// For tests: puts the set of this name in force. False where the port or the processor does not have it.
bool use_routines(const char* name);

}  // namespace nosigbus

extern "C" {

// The set in force: the plainest from the start, the best as soon as the library is loaded.
extern __attribute__((visibility("hidden"))) nosigbus::routines nosigbus_routines;

// Not 0: nosigbus_safe_read goes through nosigbus_routines instead of being its best variant itself.
extern __attribute__((visibility("hidden"))) std::atomic<uint32_t> nosigbus_detour;

// Not 0 once the first overlay, or region with NOSIGBUS_CLIP, was about to be made, for ever. A read that
// begins before looks at it when it ends, and finds out; all later ones take the careful way.
extern __attribute__((visibility("hidden"))) std::atomic<uint32_t> nosigbus_overlays_seen;

// nosigbus_safe_read where overlays may be about: looks at the census before and after (copy.cpp).
__attribute__((visibility("hidden"))) size_t nosigbus_careful_read(void* dst, const void* src, size_t n);
}

namespace nosigbus {

// Before the first zero can be read. Async-signal-safe.
inline void watch_for_overlays() {
  if (nosigbus_overlays_seen.load(std::memory_order_relaxed) != 0) return;
  // In this order (release): who is sent through the table finds the careful routine there.
  __atomic_store_n(&nosigbus_routines.safe_read, &nosigbus_careful_read, __ATOMIC_RELEASE);
  nosigbus_detour.store(1, std::memory_order_release);
  nosigbus_overlays_seen.store(1, std::memory_order_release);
}

}  // namespace nosigbus
