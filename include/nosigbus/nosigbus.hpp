/* SPDX-License-Identifier: MIT
 *
 * The C++ face: spans, results and RAII over the C functions. Header-only, no exceptions, C++20.
 * Contracts, errors, thread and async-signal safety are those of the C functions named beside each.
 */
#ifndef NOSIGBUS_NOSIGBUS_HPP
#define NOSIGBUS_NOSIGBUS_HPP

#if __cplusplus < 202002L
#error "nosigbus.hpp is C++20: compile with -std=c++20, or include <nosigbus/region.h> and others of C"
#endif

#include <cstddef>
#include <type_traits>

#include <nosigbus/copy.h>
#include <nosigbus/events.h>
#include <nosigbus/runtime.h>
#include <nosigbus/scan.h>
#include <nosigbus/guard.hpp>
#include <nosigbus/inline.hpp>
#include <nosigbus/region.hpp>

namespace nosigbus {

/* struct nosigbus_fault. */
using fault = ::nosigbus_fault;

/* nosigbus_install, _uninstall, _check, _rearm: 0 or -errno. */
inline int install(unsigned flags = 0) noexcept { return ::nosigbus_install(flags); }
inline int uninstall() noexcept { return ::nosigbus_uninstall(); }
inline int check() noexcept { return ::nosigbus_check(); }
inline int rearm() noexcept { return ::nosigbus_rearm(); }

/* nosigbus_stats. */
inline struct ::nosigbus_stats stats() noexcept {
  struct ::nosigbus_stats out {};
  ::nosigbus_stats(&out, sizeof out);
  return out;
}

/* nosigbus_last_fault. */
inline const fault& last_fault() noexcept { return *::nosigbus_last_fault(); }

/* nosigbus_safe_read, _write, _copy, _fill: bytes done before the first bad byte. */
inline std::size_t safe_read(void* dst, const void* src, std::size_t n) noexcept {
  return ::nosigbus_safe_read(dst, src, n);
}
inline std::size_t safe_write(void* dst, const void* src, std::size_t n) noexcept {
  return ::nosigbus_safe_write(dst, src, n);
}
inline std::size_t safe_copy(void* dst, const void* src, std::size_t n) noexcept {
  return ::nosigbus_safe_copy(dst, src, n);
}
inline std::size_t safe_fill(void* dst, int byte, std::size_t n) noexcept {
  return ::nosigbus_safe_fill(dst, byte, n);
}

/* nosigbus_safe_read_2d, _write_2d: bytes of rows done, in row order, before the first bad byte. */
inline std::size_t safe_read_2d(void* dst, std::ptrdiff_t dst_stride, const void* src,
                                std::ptrdiff_t src_stride, std::size_t row_bytes, std::size_t rows) noexcept {
  return ::nosigbus_safe_read_2d(dst, dst_stride, src, src_stride, row_bytes, rows);
}
inline std::size_t safe_write_2d(void* dst, std::ptrdiff_t dst_stride, const void* src,
                                 std::ptrdiff_t src_stride, std::size_t row_bytes,
                                 std::size_t rows) noexcept {
  return ::nosigbus_safe_write_2d(dst, dst_stride, src, src_stride, row_bytes, rows);
}

/* nosigbus_safe_strnlen, _strncpy, _memchr, _memcmp: the index at which they stopped. */
inline std::size_t safe_strnlen(const char* s, std::size_t max) noexcept {
  return ::nosigbus_safe_strnlen(s, max);
}
inline std::size_t safe_strncpy(char* dst, const char* src, std::size_t n) noexcept {
  return ::nosigbus_safe_strncpy(dst, src, n);
}
inline std::size_t safe_memchr(const void* s, int c, std::size_t n) noexcept {
  return ::nosigbus_safe_memchr(s, c, n);
}
inline std::size_t safe_memcmp(const void* a, const void* b, std::size_t n) noexcept {
  return ::nosigbus_safe_memcmp(a, b, n);
}

/* struct nosigbus_event. */
using event = ::nosigbus_event;

/* nosigbus_event_fd: the descriptor or -errno. */
inline int event_fd() noexcept { return ::nosigbus_event_fd(); }

/* nosigbus_dispatch: calls on_event(const event&) for each; one that returns bool stops with false. */
template <class OnEvent>
int dispatch(OnEvent&& on_event) {
  using callable = std::remove_reference_t<OnEvent>;
  const auto call = [](const event* what, void* user) {
    auto& called = detail::from_argument<callable>(user);
    if constexpr (std::is_void_v<decltype(called(*what))>) {
      called(*what);
      return 0;
    } else {
      return called(*what) ? 0 : 1;
    }
  };
  return ::nosigbus_dispatch(call, detail::to_argument(on_event));
}

}  // namespace nosigbus

#endif
