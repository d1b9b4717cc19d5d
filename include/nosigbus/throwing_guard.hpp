/* SPDX-License-Identifier: MIT
 *
 * nosigbus::throwing_guard: a fault becomes a C++ exception, thrown by the instruction that faulted.
 * Destructors run.
 *
 *   try {
 *     nosigbus::throwing_guard([&] { parse(mapped, &document); }, mapped.data(), mapped.size());
 *   } catch (const nosigbus::bus_error& error) {
 *     report(error.fault());
 *   }
 *
 * All C++ code between the fault and the catch has to be built so that any instruction may throw: with gcc's
 * -fnon-call-exceptions, as nosigbus_enable_throwing(TARGET) of the CMake package sets it; clang has no such
 * option. Otherwise, and where a function is noexcept, the program ends in std::terminate, with a message
 * that says so. Functions of C are passed through as they are; but libc's headers declare most of
 * its functions noexcept, and their callers believe that: call memcpy and the like through a pointer to a
 * function that is not declared so. In the generic port, which cannot go on elsewhere, and on a thread
 * that has a shadow stack, the fault is handled as if there were no such guard.
 *
 * Thread-safe. Not async-signal-safe.
 */
#ifndef NOSIGBUS_THROWING_GUARD_HPP
#define NOSIGBUS_THROWING_GUARD_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <nosigbus/recovery.h>

namespace nosigbus {

/* What a fault is thrown as. */
class NOSIGBUS_API bus_error : public std::exception {
 public:
  /* Of this fault. */
  explicit bus_error(const struct ::nosigbus_fault& fault) noexcept : fault_(fault) {}
  /* The fault that was thrown. */
  const struct ::nosigbus_fault& fault() const noexcept { return fault_; }
  /* Names the library; the fault says more. */
  const char* what() const noexcept override { return "nosigbus: memory is missing"; }

 private:
  struct ::nosigbus_fault fault_;
};

namespace detail {

inline std::terminate_handler g_terminate_before = nullptr;

/* Says why a fault that was thrown ends the program. */
[[noreturn]] inline void explain_and_terminate() {
  try {
    if (const std::exception_ptr thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const bus_error& error) {
    std::fprintf(
        stderr,
        "nosigbus: the fault at %#jx, thrown by the instruction at %#jx, was not caught. Either nobody "
        "catches\nnosigbus::bus_error, or a function on the way was built without -fnon-call-exceptions, "
        "or without unwind tables,\nor is noexcept.\n",
        static_cast<std::uintmax_t>(error.fault().address), static_cast<std::uintmax_t>(error.fault().pc));
  } catch (...) {
  }
  if (g_terminate_before != nullptr) g_terminate_before();
  std::abort();
}

inline void throw_fault(const struct ::nosigbus_fault* fault) {
  [[maybe_unused]] static const bool g_installed = [] {
    g_terminate_before = std::set_terminate(explain_and_terminate);
    return true;
  }();
  throw bus_error(*fault);
}

/* Of the hostile side's size, mostly: 0 must not come to mean any address. */
inline std::uintptr_t begin_of_range(const void* base, std::size_t length) {
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(base);
  if ((base == nullptr) != (length == 0) || begin + length < begin) {
    throw std::invalid_argument("nosigbus: base and length are no range");
  }
  return begin;
}

class throwing_point {
 public:
  throwing_point(const void* base, std::size_t length) {
    point_.begin = begin_of_range(base, length);
    point_.length = length;
    point_.recover = recover;
    point_.raise = throw_fault;
    point_.wants = 0;
    ::nosigbus_recovery_begin(&point_);
  }
  ~throwing_point() { ::nosigbus_recovery_end(&point_); }
  throwing_point(const throwing_point&) = delete;
  throwing_point& operator=(const throwing_point&) = delete;

 private:
  static int recover(struct ::nosigbus_recovery_point*, void*) { return NOSIGBUS_RAISE; }

  struct ::nosigbus_recovery_point point_;
};

}  // namespace detail

/* Runs fn(), and throws bus_error from it at a fault.
 *
 * base, length: the addresses whose faults are thrown, in bytes; NULL and 0: any. Throws
 * std::invalid_argument if they are no range: base without length, length without base, or one that wraps.
 * Returns what fn returned. Takes nosigbus_install or nosigbus_handle_signal; nests with guards of either
 * kind. */
template <class Fn>
[[gnu::noinline]] decltype(auto) throwing_guard(Fn&& fn, const void* base = nullptr, std::size_t length = 0) {
  const detail::throwing_point here(base, length);
  return std::forward<Fn>(fn)();
}

}  // namespace nosigbus

#endif
