// SPDX-License-Identifier: MIT
//
// TEST_CASE("name" NO_ASAN_NOR_TSAN("reason")): skipped where it is built with either. Behind every other
// decorator that skips: doctest heeds the last one.
#pragma once

#include "no_tsan.h"

#if defined(__SANITIZE_ADDRESS__)
#define NOSIGBUS_TEST_ASAN true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NOSIGBUS_TEST_ASAN true
#endif
#endif
#ifndef NOSIGBUS_TEST_ASAN
#define NOSIGBUS_TEST_ASAN false
#endif

#define NO_ASAN_NOR_TSAN(reason) *doctest::skip(NOSIGBUS_TEST_ASAN || NOSIGBUS_TEST_TSAN)
