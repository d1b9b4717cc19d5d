// SPDX-License-Identifier: MIT
//
// TEST_CASE("name" NO_TSAN("reason")): skipped where it is built with ThreadSanitizer, whose runtime
// stands between the kernel and every handler.
#pragma once

#include <doctest/doctest.h>

#if defined(__SANITIZE_THREAD__)
#define NOSIGBUS_TEST_TSAN true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NOSIGBUS_TEST_TSAN true
#endif
#endif
#ifndef NOSIGBUS_TEST_TSAN
#define NOSIGBUS_TEST_TSAN false
#endif

#define NO_TSAN(reason) *doctest::skip(NOSIGBUS_TEST_TSAN)
