/* SPDX-License-Identifier: MIT
 *
 * The inline operations as strict C11 compiles them. */
#define TABLE operations_in_c
#include "operations.inc"
