// SPDX-License-Identifier: MIT
//
// The guarded loops: all code of this port whose faults are survived.
//
// Each begins by naming its frame to the handler (recovery_point.h), and is left in its middle when it
// faults. *done is what it has done for certain, at every moment. Words are aligned, so that each lies on one
// page, and the one that faults has not been stored, by no part: *done is exact without a second look.
#pragma once

#include <nosigbus/inline.h>
#include <stddef.h>
#include <stdint.h>

namespace nosigbus::arch {

// One access to an aligned integer. value: what is to be stored, added or expected; what was there.
struct integer_access {
  nosigbus_inline_operation what;
  unsigned size;  // 1, 2, 4, 8
  uintptr_t address;
  uint64_t value;
  uint64_t desired;  // of a compare-exchange
  bool swapped;      // by it
};

}  // namespace nosigbus::arch

extern "C" {
__attribute__((visibility("hidden"))) void nosigbus_guarded_copy(volatile size_t* done, uintptr_t dst,
                                                                 uintptr_t src, size_t n);
__attribute__((visibility("hidden"))) void nosigbus_guarded_fill(volatile size_t* done, uintptr_t dst,
                                                                 uint64_t bytes, size_t n);
__attribute__((visibility("hidden"))) void nosigbus_guarded_access(nosigbus::arch::integer_access* access);
}
