// SPDX-License-Identifier: MIT
//
// TEST_CASE("name" NO_QEMU("reason")): a test that user-mode emulation cannot pass. It gets the ctest label
// no_qemu, for which its name must have no comma (doctest_discover_tests). scripts/test-arm64-kernels runs it
// on a real kernel.
#pragma once

#include <doctest/doctest.h>

#define NO_QEMU(reason) *doctest::test_suite("no_qemu")
