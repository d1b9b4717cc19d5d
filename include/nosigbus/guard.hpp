/* SPDX-License-Identifier: MIT
 *
 * nosigbus::guard: any callable under a recovery point. Contract, errors, thread and async-signal safety are
 * those of nosigbus_guard in <nosigbus/guard.h>.
 *
 *   auto image = nosigbus::guard([&] { return decode(mapped); }, mapped.data(), mapped.size());
 *   if (!image) return report(image.fault());
 *   show(*image);
 *
 * A fault leaves the callable as longjmp(3) would: no destructor of an object in it, or in what it calls,
 * runs. (To C++ that is undefined where such an object has a destructor that does something. The library
 * relies on what compilers do: nothing.) So let it work on objects outside of it.
 */
#ifndef NOSIGBUS_GUARD_HPP
#define NOSIGBUS_GUARD_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <nosigbus/arch/guard.h>
#include <nosigbus/guard.h>
#include <nosigbus/recovery.h>

namespace nosigbus {

/* What became of a guarded callable: true and its value, if it returned; else its fault. */
template <class T>
class [[nodiscard]] guard_result {
  using value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  /* Whether the callable returned. */
  explicit operator bool() const noexcept { return error_ == 0; }
  /* Defined where it is true. */
  value& operator*() & noexcept { return *value_; }
  const value& operator*() const& noexcept { return *value_; }
  value&& operator*() && noexcept { return *std::move(value_); }
  value* operator->() noexcept { return value_.operator->(); }
  const value* operator->() const noexcept { return value_.operator->(); }
  /* Its cause is NOSIGBUS_NONE where there was none. */
  const struct ::nosigbus_fault& fault() const noexcept { return fault_; }
  /* 0; -EFAULT: stopped; -EINVAL: not run, base and length are no range. */
  int error() const noexcept { return error_; }

 private:
  template <class Fn>
  friend auto guard(Fn&& fn, const void* base, std::size_t length);

  std::optional<value> value_;
  struct ::nosigbus_fault fault_ {};
  int error_ = 0;
};

namespace detail {

/* What can be called, an object or a function (POSIX lets void* point to either), as C hands it on; and back.
 */
template <class Callable>
void* to_argument(Callable& callable) noexcept {
  if constexpr (std::is_function_v<Callable>) {
    return reinterpret_cast<void*>(&callable);
  } else {
    return const_cast<void*>(static_cast<const volatile void*>(__builtin_addressof(callable)));
  }
}
template <class Callable>
Callable& from_argument(void* argument) noexcept {
  return *reinterpret_cast<Callable*>(argument);
}

/* The point comes first: who has its address may get at the value. On lines of its own
 * (<nosigbus/arch/guard.h>). */
template <class Value>
struct alignas(64) guarded_call {
  struct ::nosigbus_recovery_point point;
  std::optional<Value> value;
};
template <>
struct alignas(64) guarded_call<void> {
  struct ::nosigbus_recovery_point point;
};
/* call: a guarded_call. */
using guarded_function = int (*)(void* call, void* fn);

#ifdef NOSIGBUS_GUARD_ENTER
/* nosigbus_guard as a part of its caller. `call` begins with the point. */
NOSIGBUS_INLINE int stop_at_fault(guarded_function run, void* call, void* fn, const void* base,
                                  std::size_t length, struct ::nosigbus_fault* out) {
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(base);
  if ((begin == 0) != (length == 0) || begin + length < begin) return -EINVAL;
  struct in_place {
    ::nosigbus_recovery_point* point;
    ~in_place() { NOSIGBUS_GUARD_LEAVE(point); }
  };
  auto* const point = static_cast<::nosigbus_recovery_point*>(call);
  point->begin = NOSIGBUS_GUARD_ADDRESS(begin);
  point->length = length;
  point->recover = ::nosigbus_guard_stop;
  {
    const in_place here{point};
    NOSIGBUS_GUARD_ENTER(point, landing);
    /* Nothing is known of it, so all memory that it may read or write is as it should be. */
    __asm__("" : "+r"(run));
    return run(call, fn);
  landing:
    NOSIGBUS_GUARD_LANDED(point);
  }
  ::nosigbus_guard_left(point);
  *out = point->fault;
  return -EFAULT;
}
#else
inline int stop_at_fault(guarded_function run, void* call, void* fn, const void* base, std::size_t length,
                         struct ::nosigbus_fault* out) {
  struct bound {
    guarded_function run;
    void *call, *fn;
  };
  bound all{run, call, fn};
  const auto run_bound = [](void* arg) {
    const bound& there = *static_cast<bound*>(arg);
    return there.run(there.call, there.fn);
  };
  return ::nosigbus_guard(run_bound, &all, base, length, out);
}
#endif

}  // namespace detail

/* Runs fn(), and stops it at a fault. base, length: as for nosigbus_guard. Exceptions pass through. */
template <class Fn>
auto guard(Fn&& fn, const void* base, std::size_t length) {
  using returned = std::invoke_result_t<Fn>;
  static_assert(!std::is_reference_v<returned>, "return a pointer, or std::ref");
  using guarded = detail::guarded_call<returned>;
  using callable = std::remove_reference_t<Fn>;
  /* The rest is written when it is of use: each store is a part of what a guard costs. */
  guarded here;
  const auto run = []([[maybe_unused]] void* call, void* function) -> int {
    auto&& called = std::forward<Fn>(detail::from_argument<callable>(function));
    if constexpr (std::is_void_v<returned>) {
      std::forward<Fn>(called)();
    } else {
      static_cast<guarded*>(call)->value.emplace(std::forward<Fn>(called)());
    }
    return 0;
  };
  guard_result<returned> result;
  result.error_ = detail::stop_at_fault(run, &here, detail::to_argument(fn), base, length, &result.fault_);
  if (result.error_ == 0) {
    if constexpr (std::is_void_v<returned>) {
      result.value_.emplace();
    } else {
      result.value_.emplace(*std::move(here.value));
    }
  }
  return result;
}
/* The same, of any address. */
template <class Fn>
auto guard(Fn&& fn) {
  return nosigbus::guard(std::forward<Fn>(fn), nullptr, 0);
}

}  // namespace nosigbus

#endif
