/* SPDX-License-Identifier: MIT
 *
 * Guarded loads, stores and atomic operations for C++: <nosigbus/inline.h> for any type that fits.
 *
 *   if (std::optional<header> h = nosigbus::load(&shared->header)) use(*h);
 *   if (nosigbus::store_release(&shared->head, head) != 0) disconnect();
 *
 * What loads has a value, or none where the memory is bad. What only stores returns 0 or -EFAULT, and
 * compare_exchange 1, 0 or -EFAULT, as the C functions do.
 */
#ifndef NOSIGBUS_INLINE_HPP
#define NOSIGBUS_INLINE_HPP

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include <nosigbus/inline.h>

namespace nosigbus {

/* What one instruction loads and stores. 16 bytes: not necessarily at once, as seen by others. */
template <class T>
concept loadable = std::is_object_v<T> && std::is_trivially_copyable_v<std::remove_cv_t<T>> &&
    (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);

/* Integers, enumerations and pointers of 4 and 8 bytes. */
template <class T>
concept atomically_loadable = (std::is_integral_v<T> || std::is_enum_v<T> ||
                               std::is_pointer_v<T>)&&(sizeof(T) == 4 || sizeof(T) == 8);

namespace detail {

template <std::size_t Size>
struct access;

template <>
struct access<1> {
  using bits = std::uint8_t;
  NOSIGBUS_INLINE static int load(const volatile void* p, bits* out) { return ::nosigbus_safe_load8(p, out); }
  NOSIGBUS_INLINE static int store(volatile void* p, bits v) { return ::nosigbus_safe_store8(p, v); }
};
template <>
struct access<2> {
  using bits = std::uint16_t;
  NOSIGBUS_INLINE static int load(const volatile void* p, bits* out) {
    return ::nosigbus_safe_load16(p, out);
  }
  NOSIGBUS_INLINE static int store(volatile void* p, bits v) { return ::nosigbus_safe_store16(p, v); }
};
template <>
struct access<4> {
  using bits = std::uint32_t;
  NOSIGBUS_INLINE static int load(const volatile void* p, bits* out) {
    return ::nosigbus_safe_load32(p, out);
  }
  NOSIGBUS_INLINE static int store(volatile void* p, bits v) { return ::nosigbus_safe_store32(p, v); }
  NOSIGBUS_INLINE static int load_acquire(const volatile void* p, bits* out) {
    return ::nosigbus_safe_load_acquire32(p, out);
  }
  NOSIGBUS_INLINE static int store_release(volatile void* p, bits v) {
    return ::nosigbus_safe_store_release32(p, v);
  }
  NOSIGBUS_INLINE static int exchange(volatile void* p, bits v, bits* old) {
    return ::nosigbus_safe_exchange32(p, v, old);
  }
  NOSIGBUS_INLINE static int fetch_add(volatile void* p, bits v, bits* old) {
    return ::nosigbus_safe_fetch_add32(p, v, old);
  }
  NOSIGBUS_INLINE static int compare_exchange(volatile void* p, bits* expected, bits v) {
    return ::nosigbus_safe_compare_exchange32(p, expected, v);
  }
};
template <>
struct access<8> {
  using bits = std::uint64_t;
  NOSIGBUS_INLINE static int load(const volatile void* p, bits* out) {
    return ::nosigbus_safe_load64(p, out);
  }
  NOSIGBUS_INLINE static int store(volatile void* p, bits v) { return ::nosigbus_safe_store64(p, v); }
  NOSIGBUS_INLINE static int load_acquire(const volatile void* p, bits* out) {
    return ::nosigbus_safe_load_acquire64(p, out);
  }
  NOSIGBUS_INLINE static int store_release(volatile void* p, bits v) {
    return ::nosigbus_safe_store_release64(p, v);
  }
  NOSIGBUS_INLINE static int exchange(volatile void* p, bits v, bits* old) {
    return ::nosigbus_safe_exchange64(p, v, old);
  }
  NOSIGBUS_INLINE static int fetch_add(volatile void* p, bits v, bits* old) {
    return ::nosigbus_safe_fetch_add64(p, v, old);
  }
  NOSIGBUS_INLINE static int compare_exchange(volatile void* p, bits* expected, bits v) {
    return ::nosigbus_safe_compare_exchange64(p, expected, v);
  }
};
template <>
struct access<16> {
  using bits = ::nosigbus_bits128;
  NOSIGBUS_INLINE static int load(const volatile void* p, bits* out) { return ::nosigbus_load128(p, out); }
  NOSIGBUS_INLINE static int store(volatile void* p, bits v) { return ::nosigbus_store128(p, v); }
};

template <class T>
using bits_of = typename access<sizeof(T)>::bits;

/* A bool that another process wrote may hold any byte, and is not to be taken for one. */
template <class T>
NOSIGBUS_INLINE T from_bits(const bits_of<T>& bits) {
  if constexpr (std::is_same_v<T, bool>) {
    return bits != 0;
  } else {
    return std::bit_cast<T>(bits);
  }
}

}  // namespace detail

/* nosigbus_safe_load. */
template <loadable T>
[[nodiscard]] NOSIGBUS_INLINE std::optional<std::remove_cv_t<T>> load(const T* address) noexcept {
  detail::bits_of<T> bits;
  if (detail::access<sizeof(T)>::load(address, &bits) != 0) return std::nullopt;
  return detail::from_bits<std::remove_cv_t<T>>(bits);
}

/* nosigbus_safe_store. */
template <loadable T>
[[nodiscard]] NOSIGBUS_INLINE int store(T* address,
                                        std::type_identity_t<std::remove_cv_t<T>> value) noexcept {
  return detail::access<sizeof(T)>::store(address, std::bit_cast<detail::bits_of<T>>(value));
}

/* nosigbus_safe_load_acquire. */
template <atomically_loadable T>
[[nodiscard]] NOSIGBUS_INLINE std::optional<std::remove_cv_t<T>> load_acquire(const T* address) noexcept {
  detail::bits_of<T> bits;
  if (detail::access<sizeof(T)>::load_acquire(address, &bits) != 0) return std::nullopt;
  return std::bit_cast<std::remove_cv_t<T>>(bits);
}

/* nosigbus_safe_store_release. */
template <atomically_loadable T>
[[nodiscard]] NOSIGBUS_INLINE int store_release(T* address,
                                                std::type_identity_t<std::remove_cv_t<T>> value) noexcept {
  return detail::access<sizeof(T)>::store_release(address, std::bit_cast<detail::bits_of<T>>(value));
}

/* nosigbus_safe_exchange: what was there. */
template <atomically_loadable T>
[[nodiscard]] NOSIGBUS_INLINE std::optional<std::remove_cv_t<T>> exchange(
    T* address, std::type_identity_t<std::remove_cv_t<T>> value) noexcept {
  detail::bits_of<T> old;
  if (detail::access<sizeof(T)>::exchange(address, std::bit_cast<detail::bits_of<T>>(value), &old) != 0)
    return std::nullopt;
  return std::bit_cast<std::remove_cv_t<T>>(old);
}

/* nosigbus_safe_fetch_add: what was there; wraps around. */
template <atomically_loadable T>
requires std::is_integral_v<T>
[[nodiscard]] NOSIGBUS_INLINE std::optional<std::remove_cv_t<T>> fetch_add(
    T* address, std::type_identity_t<std::remove_cv_t<T>> value) noexcept {
  detail::bits_of<T> old;
  if (detail::access<sizeof(T)>::fetch_add(address, std::bit_cast<detail::bits_of<T>>(value), &old) != 0)
    return std::nullopt;
  return std::bit_cast<std::remove_cv_t<T>>(old);
}

/* nosigbus_safe_compare_exchange: 1 swapped, 0 not and `expected` has what was there, -EFAULT. */
template <atomically_loadable T>
[[nodiscard]] NOSIGBUS_INLINE int compare_exchange(
    T* address, std::type_identity_t<std::remove_cv_t<T>>& expected,
    std::type_identity_t<std::remove_cv_t<T>> desired) noexcept {
  auto bits = std::bit_cast<detail::bits_of<T>>(expected);
  const int result =
      detail::access<sizeof(T)>::compare_exchange(address, &bits, std::bit_cast<detail::bits_of<T>>(desired));
  if (result == 0) expected = std::bit_cast<std::remove_cv_t<T>>(bits);
  return result;
}

}  // namespace nosigbus

#endif
