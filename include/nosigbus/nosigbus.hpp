/* SPDX-License-Identifier: MIT
 *
 * The C++ face: spans, results and RAII over the C functions. Header-only, no exceptions, C++20.
 * Contracts, errors, thread and async-signal safety are those of the C functions named beside each.
 */
#ifndef NOSIGBUS_NOSIGBUS_HPP
#define NOSIGBUS_NOSIGBUS_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <nosigbus/copy.h>
#include <nosigbus/events.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <nosigbus/scan.h>
#include <nosigbus/guard.hpp>
#include <nosigbus/inline.hpp>

namespace nosigbus {

using fault = ::nosigbus_fault;
using region_status = struct ::nosigbus_region_status;

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

/* A value or a negative errno. Tests as bool, dereferences to the value. */
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value)) {}
  static result failure(int error) noexcept { return result(failed{error}); }

  bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  /* 0, or the -errno of the C function. */
  int error() const noexcept { return error_; }

  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

 private:
  struct failed {
    int error;
  };
  explicit result(failed f) noexcept : error_(f.error) {}

  std::optional<T> value_;
  int error_ = 0;
};

/* Owns a region; releases it when destroyed. An empty one (moved from, default-made) has size 0. */
class region {
 public:
  region() noexcept = default;
  region(region&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  region& operator=(region&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~region() { reset(); }

  /* nosigbus_map. */
  static result<region> map(int fd, off_t offset, std::size_t length, int prot, unsigned flags = 0) noexcept {
    ::nosigbus_region* handle = nullptr;
    const int error = ::nosigbus_map(&handle, fd, offset, length, prot, flags);
    return error == 0 ? result<region>(region(handle)) : result<region>::failure(error);
  }
  /* nosigbus_adopt. */
  static result<region> adopt(void* address, std::size_t length, int fd = -1, unsigned flags = 0) noexcept {
    ::nosigbus_region* handle = nullptr;
    const int error = ::nosigbus_adopt(&handle, address, length, fd, flags);
    return error == 0 ? result<region>(region(handle)) : result<region>::failure(error);
  }

  void* data() const noexcept { return ::nosigbus_region_data(handle_); }
  std::size_t size() const noexcept { return ::nosigbus_region_size(handle_); }
  std::span<std::byte> bytes() const noexcept { return {static_cast<std::byte*>(data()), size()}; }
  explicit operator bool() const noexcept { return handle_ != nullptr; }

  /* nosigbus_region_status; all zero for an empty region. */
  region_status status() const noexcept {
    region_status out{};
    ::nosigbus_region_status(handle_, &out, sizeof out);
    return out;
  }
  /* nosigbus_region_refresh: 1, 0 or -errno. */
  int refresh() noexcept { return ::nosigbus_region_refresh(handle_); }

  /* nosigbus_region_begin, _end: a bracket around reads; true if all they read was the file's. */
  std::uint64_t begin_read() const noexcept { return ::nosigbus_region_begin(handle_); }
  bool end_read(std::uint64_t begun) const noexcept { return ::nosigbus_region_end(handle_, begun) == 0; }
  /* nosigbus_region_prefault: 0 or -errno. */
  int prefault(std::size_t offset, std::size_t length) noexcept {
    return ::nosigbus_region_prefault(handle_, offset, length);
  }
  /* nosigbus_region_resize: 0 or -errno. data() may be another address afterwards. */
  int resize(std::size_t new_length) noexcept { return ::nosigbus_region_resize(handle_, new_length); }

  /* Ends the region now. */
  void reset() noexcept {
    if (handle_ != nullptr) ::nosigbus_region_release(std::exchange(handle_, nullptr));
  }
  /* The C handle, still owned by this object; and given up to the caller. */
  ::nosigbus_region* get() const noexcept { return handle_; }
  ::nosigbus_region* detach() noexcept { return std::exchange(handle_, nullptr); }

 private:
  explicit region(::nosigbus_region* handle) noexcept : handle_(handle) {}

  ::nosigbus_region* handle_ = nullptr;
};

using event = ::nosigbus_event;

/* nosigbus_event_fd: the descriptor or -errno. */
inline int event_fd() noexcept { return ::nosigbus_event_fd(); }

/* nosigbus_dispatch: calls on_event(const event&) for each; one that returns bool stops with false. */
template <class OnEvent>
int dispatch(OnEvent&& on_event) {
  const auto call = [](const event* what, void* user) {
    auto& callable = *static_cast<std::remove_reference_t<OnEvent>*>(user);
    if constexpr (std::is_void_v<decltype(callable(*what))>) {
      callable(*what);
      return 0;
    } else {
      return callable(*what) ? 0 : 1;
    }
  };
  return ::nosigbus_dispatch(call, const_cast<void*>(static_cast<const void*>(std::addressof(on_event))));
}

}  // namespace nosigbus

#endif
