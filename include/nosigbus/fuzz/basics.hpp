/* SPDX-License-Identifier: MIT
 *
 * Included by <nosigbus/fuzz.hpp>: what the rest of it is made of.
 */
#ifndef NOSIGBUS_FUZZ_BASICS_HPP
#define NOSIGBUS_FUZZ_BASICS_HPP

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NOSIGBUS_FUZZ_ASAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(NOSIGBUS_FUZZ_ASAN)
#undef NOSIGBUS_FUZZ_ASAN
#define NOSIGBUS_FUZZ_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* Between these two stands code that a fuzzer is to find no new paths in: it would collect inputs for them,
 * and not for the consumer's. */
#if defined(__clang__) && __clang_major__ >= 13
#define NOSIGBUS_FUZZ_UNSEEN_BEGIN \
  _Pragma("clang attribute push(__attribute__((no_sanitize(\"coverage\"))), apply_to = function)")
#define NOSIGBUS_FUZZ_UNSEEN_END _Pragma("clang attribute pop")
#else
#define NOSIGBUS_FUZZ_UNSEEN_BEGIN
#define NOSIGBUS_FUZZ_UNSEEN_END
#endif

NOSIGBUS_FUZZ_UNSEEN_BEGIN
namespace nosigbus::detail {

inline std::size_t fuzz_page_size() noexcept {
  static const std::size_t g_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return g_size;
}

/* A harness cannot go on without its buffer, and may be built without exceptions. */
[[noreturn]] inline void fuzz_fail(const char* what) {
  std::perror(what);
  std::abort();
}

/* Whether AddressSanitizer lets code of the consumer touch it. */
inline void fuzz_allow([[maybe_unused]] std::byte* begin, [[maybe_unused]] std::size_t length) noexcept {
#ifdef NOSIGBUS_FUZZ_ASAN
  __asan_unpoison_memory_region(begin, length);
#endif
}
inline void fuzz_forbid([[maybe_unused]] std::byte* begin, [[maybe_unused]] std::size_t length) noexcept {
#ifdef NOSIGBUS_FUZZ_ASAN
  __asan_poison_memory_region(begin, length);
#endif
}

struct spin_guard {
  explicit spin_guard(std::atomic_flag& lock) noexcept : lock_(lock) {
    while (lock_.test_and_set(std::memory_order_seq_cst)) {
    }
  }
  ~spin_guard() { lock_.clear(std::memory_order_release); }
  spin_guard(const spin_guard&) = delete;
  spin_guard& operator=(const spin_guard&) = delete;

 private:
  std::atomic_flag& lock_;
};

}  // namespace nosigbus::detail
NOSIGBUS_FUZZ_UNSEEN_END

#endif
