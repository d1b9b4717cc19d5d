// SPDX-License-Identifier: MIT
//
// Inline operations for any machine. What is aligned is one access of a guarded loop; what is not, or has 16
// bytes, is a copy.
#include <src/shared/recovery_point.h>
#include <src/shared/routines.h>
#include <string.h>

#include "loops.h"

namespace {

using namespace nosigbus;
using arch::integer_access;

bool loads(int operation) { return operation == NOSIGBUS_DO_LOAD || operation == NOSIGBUS_DO_LOAD_ACQUIRE; }

int by_copy(int operation, unsigned size, void* address, void* value) {
  unsigned char bytes[16];
  if (operation == NOSIGBUS_DO_STORE) {
    return nosigbus_routines.copy_write(address, value, size) == size ? 0 : -EFAULT;
  }
  if (nosigbus_routines.copy_read(bytes, address, size) != size) return -EFAULT;
  memcpy(value, bytes, size);
  return 0;
}

// False where it met a fault.
bool survives(integer_access& access) {
  recovery_point point;
  volatile bool done = false;
  point.guarded[0] = {access.address, access.size, loads(access.what) ? NOSIGBUS_READ : NOSIGBUS_WRITE};
  point.guarded[1] = {0, 0, NOSIGBUS_ACCESS_UNKNOWN};
  recovery::begin(point);
  if (_setjmp(point.context.registers) == 0) {
    nosigbus_guarded_access(&access);
    done = true;
  } else {
    recovery::restore_signal_state(point.context);
  }
  recovery::end(point);
  return done;
}

template <class Integer>
int call(int operation, void* address, void* value, const void* desired) {
  Integer held, wanted = 0;
  memcpy(&held, value, sizeof held);
  if (operation == NOSIGBUS_DO_COMPARE_EXCHANGE) memcpy(&wanted, desired, sizeof wanted);
  integer_access access{static_cast<nosigbus_inline_operation>(operation),
                        sizeof held,
                        reinterpret_cast<uintptr_t>(address),
                        held,
                        wanted,
                        false};
  if (!survives(access)) return -EFAULT;
  held = static_cast<Integer>(access.value);
  memcpy(value, &held, sizeof held);
  return access.swapped ? 1 : 0;
}

bool exists(int operation, unsigned size) {
  if (operation < NOSIGBUS_DO_LOAD || operation > NOSIGBUS_DO_COMPARE_EXCHANGE) return false;
  const bool moves = operation <= NOSIGBUS_DO_STORE;
  return size == 4 || size == 8 || (moves && (size == 1 || size == 2 || size == 16));
}

}  // namespace

int nosigbus_inline_call(int operation, unsigned size, volatile void* address, void* value,
                         const void* desired) noexcept {
  if (!exists(operation, size)) return -EINVAL;
  void* const at = const_cast<void*>(address);
  const bool aligned = reinterpret_cast<uintptr_t>(address) % size == 0;
  if (operation <= NOSIGBUS_DO_STORE && (!aligned || size == 16)) return by_copy(operation, size, at, value);
  switch (size) {
    case 1:
      return call<uint8_t>(operation, at, value, desired);
    case 2:
      return call<uint16_t>(operation, at, value, desired);
    case 4:
      return call<uint32_t>(operation, at, value, desired);
    default:
      return call<uint64_t>(operation, at, value, desired);
  }
}
