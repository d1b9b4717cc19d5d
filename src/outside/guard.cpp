// SPDX-License-Identifier: MIT
#include <src/inside/left_guard.h>
#include <src/shared/guard.h>
#include <stdlib.h>
#include <unwind.h>

// AddressSanitizer's, in a program that has it.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" __attribute__((weak)) void __asan_unpoison_memory_region(const volatile void* address,
                                                                    size_t size);

// As nosigbus_guard: the library's own copy is its own, whatever else is in the process.
__asm__(".protected nosigbus_guard_innermost");
constinit __thread nosigbus_recovery_point* nosigbus_guard_innermost = nullptr;

namespace nosigbus {

__attribute__((noinline)) void set_innermost(guard_point* point) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref(nosigbus_guard_innermost).store(point, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace nosigbus

using namespace nosigbus;

#ifdef NOSIGBUS_CHECKS
// The point is in a frame of assembly, whose memory a sanitizer may still take for that of a frame that a
// thread has left by pthread_exit.
__attribute__((no_sanitize("address"))) void nosigbus_guard_begins(const guard_point* point) {
  // What overlaps this one in memory belongs to a function that is gone, as well.
  constexpr size_t size = offsetof(guard_point, registers);
  require_not_left(point->outer == nullptr ||
                   !in_dead_frame(*point->outer, reinterpret_cast<uintptr_t>(point) + size));
}

void nosigbus_guard_ends(const guard_point* point) { require_not_left(innermost() == point); }
#endif

void nosigbus_guard_left(const guard_point* point) noexcept {
  // The frames that were left have not taken back what they marked of the stack. It is not known how far down
  // they went, nor on which stack; but more is seldom used.
  constexpr size_t likely = size_t{1} << 20;
  if (__asan_unpoison_memory_region != nullptr) {
    __asan_unpoison_memory_region(reinterpret_cast<const char*>(point) - likely, likely);
  }
}

void nosigbus_raise(const guard_point* point) {
  point->raise(&point->fault);
  abort();
}

void nosigbus_recovery_begin(guard_point* point) noexcept {
  point->begin = arch::without_tag(point->begin);
  point->outer = innermost();
#ifdef NOSIGBUS_CHECKS
  nosigbus_guard_begins(point);
#endif
  set_innermost(point);
}

void nosigbus_recovery_end(const guard_point* point) noexcept {
#ifdef NOSIGBUS_CHECKS
  nosigbus_guard_ends(point);
#endif
  set_innermost(point->outer);
}

guard_point* nosigbus_recovery_exchange(guard_point* innermost) noexcept {
  guard_point* const before = nosigbus::innermost();
  set_innermost(innermost);
  return before;
}

int nosigbus_guard_personality(int, int actions, uint64_t, void*, void*) {
  if ((actions & _UA_CLEANUP_PHASE) != 0) {
    guard_point* const point = innermost();
    if (point != nullptr) set_innermost(point->outer);
  }
  return _URC_CONTINUE_UNWIND;
}
