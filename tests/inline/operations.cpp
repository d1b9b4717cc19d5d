// SPDX-License-Identifier: MIT
//
// The inline operations as C++ compiles them.
#define TABLE operations_in_cpp
extern "C" {
#include "operations.inc"
}
