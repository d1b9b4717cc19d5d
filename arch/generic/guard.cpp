// SPDX-License-Identifier: MIT
//
// Guards for any machine: left by _longjmp.
#include <errno.h>
#include <nosigbus/guard.h>
#include <src/shared/guard.h>

using namespace nosigbus;

int nosigbus_guard(int (*fn)(void*), void* arg, const void* base, size_t length, nosigbus_fault* out) {
  // The compiler has begun the description of this frame.
  asm(".cfi_personality 0x1b, nosigbus_guard_personality");
  const uintptr_t begin = reinterpret_cast<uintptr_t>(base);
  if (fn == nullptr || (begin == 0) != (length == 0) || begin + length < begin) return -EINVAL;
  jumping_guard_point point;
  point.begin = arch::without_tag(begin);
  point.length = length;
  point.outer = innermost();
  point.fault.cause = NOSIGBUS_NONE;
  point.recover = nullptr;
#ifdef NOSIGBUS_CHECKS
  nosigbus_guard_begins(&point);
#endif
  // In memory, where the second return finds it.
  nosigbus_fault* volatile result_fault = out;
  if (_setjmp(point.context.registers) != 0) {
    set_innermost(point.outer);
    recovery::restore_signal_state(point.context);
    nosigbus_guard_left(&point);
    if (result_fault != nullptr) *result_fault = point.fault;
    return -EFAULT;
  }
  set_innermost(&point);
  const int result = fn(arg);
#ifdef NOSIGBUS_CHECKS
  nosigbus_guard_ends(&point);
#endif
  set_innermost(point.outer);
  if (result_fault != nullptr) *result_fault = nosigbus_fault{};
  return result;
}
