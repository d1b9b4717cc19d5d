// SPDX-License-Identifier: MIT
//
// The object that a member is part of, by the member's address: for what libwayland links together.
#pragma once

#include <stddef.h>

#define NOSIGBUS_OBJECT_OF(type, member, address) \
  (reinterpret_cast<type*>(reinterpret_cast<char*>(address) - offsetof(type, member)))
