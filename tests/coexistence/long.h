// SPDX-License-Identifier: MIT
//
// TEST_CASE("name" LONG): takes longer than scripts/test has time for. It gets the ctest label long, and
// scripts/test-coexistence runs it.
#pragma once

#include <doctest/doctest.h>

#define LONG *doctest::test_suite("long")
