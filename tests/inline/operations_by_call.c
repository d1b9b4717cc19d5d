/* SPDX-License-Identifier: MIT */
#ifndef NOSIGBUS_PORTABLE
#define NOSIGBUS_PORTABLE
#endif
#define TABLE operations_by_call
#include "operations.inc"
