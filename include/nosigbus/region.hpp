/* SPDX-License-Identifier: MIT
 *
 * nosigbus::region: <nosigbus/region.h> with RAII and results. Contracts, errors, thread and async-signal
 * safety are those of the C functions named beside each. Part of <nosigbus/nosigbus.hpp>.
 */
#ifndef NOSIGBUS_REGION_HPP
#define NOSIGBUS_REGION_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <nosigbus/region.h>

namespace nosigbus {

/* struct nosigbus_region_status. */
using region_status = struct ::nosigbus_region_status;

/* A value or a negative errno. Tests as bool, dereferences to the value. */
template <class T>
class [[nodiscard]] result {
 public:
  /* A value. */
  result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value)) {}
  /* None, and why: -errno. */
  static result failure(int error) noexcept { return result(failed{error}); }

  /* Whether there is a value. */
  bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  /* 0, or the -errno of the C function. */
  int error() const noexcept { return error_; }

  /* The value; defined where there is one. */
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
  /* Empty; moving leaves an empty one behind. */
  region() noexcept = default;
  region(region&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  region& operator=(region&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  /* Releases the region. */
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

  /* nosigbus_region_data, _size: nullptr and 0 of an empty region. */
  void* data() const noexcept { return ::nosigbus_region_data(handle_); }
  std::size_t size() const noexcept { return ::nosigbus_region_size(handle_); }
  /* Both. */
  std::span<std::byte> bytes() const noexcept { return {static_cast<std::byte*>(data()), size()}; }
  /* Whether there is one. */
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

}  // namespace nosigbus

#endif
