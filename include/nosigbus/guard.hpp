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

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <nosigbus/guard.h>

namespace nosigbus {

/* What became of a guarded callable: true and its value, if it returned; else its fault. */
template <class T>
class [[nodiscard]] guard_result {
  using value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  explicit operator bool() const noexcept { return error_ == 0; }
  /* Defined where it is true. */
  value& operator*() & noexcept { return *value_; }
  const value& operator*() const& noexcept { return *value_; }
  value&& operator*() && noexcept { return *std::move(value_); }
  value* operator->() noexcept { return std::addressof(*value_); }
  const value* operator->() const noexcept { return std::addressof(*value_); }
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

/* Runs fn(), and stops it at a fault. base, length: as for nosigbus_guard. Exceptions pass through. */
template <class Fn>
auto guard(Fn&& fn, const void* base, std::size_t length) {
  using returned = std::invoke_result_t<Fn>;
  static_assert(!std::is_reference_v<returned>, "return a pointer, or std::ref");
  struct call {
    std::remove_reference_t<Fn>* fn;
    guard_result<returned>* result;
  };
  guard_result<returned> result;
  call here{std::addressof(fn), &result};
  const auto run = [](void* arg) -> int {
    const call& there = *static_cast<call*>(arg);
    if constexpr (std::is_void_v<returned>) {
      std::invoke(std::forward<Fn>(*there.fn));
      there.result->value_.emplace();
    } else {
      there.result->value_.emplace(std::invoke(std::forward<Fn>(*there.fn)));
    }
    return 0;
  };
  result.error_ = ::nosigbus_guard(run, &here, base, length, &result.fault_);
  if (result.error_ != 0) result.value_.reset();
  return result;
}
template <class Fn>
auto guard(Fn&& fn) {
  return guard(std::forward<Fn>(fn), nullptr, 0);
}

}  // namespace nosigbus

#endif
