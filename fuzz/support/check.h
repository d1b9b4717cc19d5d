// SPDX-License-Identifier: MIT
//
// What a harness finds wrong ends the process, which fuzzers take for a crash.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace fuzz {

[[noreturn]] inline void fail(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
  std::abort();
}

// With NOSIGBUS_FUZZ_TRACE set an input tells what it does.
inline bool traces() {
  static const bool g_wanted = std::getenv("NOSIGBUS_FUZZ_TRACE") != nullptr;
  return g_wanted;
}

}  // namespace fuzz

#define FUZZ_TRACE(...) (fuzz::traces() ? void(std::fprintf(stderr, __VA_ARGS__)) : void())
#define FUZZ_CHECK(condition) ((condition) ? void() : fuzz::fail(__FILE__, __LINE__, #condition))
#define FUZZ_CHECK_EQUAL(found, wanted) fuzz::check_equal(__FILE__, __LINE__, #found, found, wanted)

namespace fuzz {

template <class Found, class Wanted>
void check_equal(const char* file, int line, const char* what, const Found& found, const Wanted& wanted) {
  if (found == wanted) return;
  std::fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, static_cast<long long>(found),
               static_cast<long long>(wanted));
  std::abort();
}

}  // namespace fuzz
