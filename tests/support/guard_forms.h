// SPDX-License-Identifier: MIT
//
// Both guards: nosigbus::guard, a part of its caller where that can be, and nosigbus_guard, a function.
#pragma once

#include <nosigbus/guard.h>

#include <cerrno>
#include <functional>
#include <nosigbus/guard.hpp>

#include "child.h"

namespace test {

enum class guard_form { inlined, called };
inline constexpr guard_form guard_forms[] = {guard_form::inlined, guard_form::called};

// Runs f below a guard. Returns its fault; of cause NOSIGBUS_NONE, if it came to its end.
template <class F>
nosigbus_fault run_guarded(guard_form how, F f, const void* base = nullptr, size_t length = 0) {
  if (how == guard_form::inlined) {
    const auto result = nosigbus::guard(f, base, length);
    CHILD_CHECK(result.error() == (result ? 0 : -EFAULT));
    return result.fault();
  }
  nosigbus_fault fault;
  const auto run = [](void* arg) -> int {
    (*static_cast<F*>(arg))();
    return 1;
  };
  const int result = nosigbus_guard(run, &f, base, length, &fault);
  CHILD_CHECK(result == (fault.cause == NOSIGBUS_NONE ? 1 : -EFAULT));
  return fault;
}

// What stands between a guard and its fault: other guards, which do not cover it.
inline void nested(int depth, const std::function<void()>& inner) {
  static unsigned char elsewhere;
  if (depth == 0) return inner();
  run_guarded(
      guard_forms[depth % 2], [&] { nested(depth - 1, inner); }, &elsewhere, 1);
  CHILD_CHECK(false);  // never returned
}

}  // namespace test
